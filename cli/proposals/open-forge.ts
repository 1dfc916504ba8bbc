import type { Command } from 'commander';
import { createGitForge, type Forge, type Proposal, userWorkspace, type Workspace } from '../../repo/forges/index.ts';
import { ProblemError, problem } from '../../schema/index.ts';
import type { CliContext } from '../context.ts';
import { repositoryRoot } from '../repository-root.ts';
import { step } from '../style.ts';

/** Options of every command about proposals. */
export interface ForgeOptions {
  dir: string;
  remote: string;
  branch: string;
}

export interface OpenForge {
  /** The folder that has `mcpctl.yaml`; absolute. */
  root: string;
  workspace: Workspace;
  forge: Forge;
}

/** Add `-C`, `--remote` and `--branch`. */
export function forgeOptions(command: Command): Command {
  return command
    .option('-C, --dir <dir>', 'a folder of the working tree', '.')
    .option('--remote <name>', 'the remote that proposals are on', 'origin')
    .option('--branch <name>', 'the branch that is proposed for', 'main');
}

/**
 * The forge of a clone, with everything fetched.
 * @throws ProblemError REPOSITORY_MISSING, REMOTE_NOT_FOUND, REMOTE_UNREACHABLE
 */
export async function openForge(context: CliContext, { dir, remote, branch }: ForgeOptions): Promise<OpenForge> {
  const root = repositoryRoot(context.cwd, dir);
  const workspace = await userWorkspace({ folder: root, env: context.env, remote, branch, signal: context.signal });
  const forge = createGitForge(workspace);
  const late = setTimeout(() => step(context.io, `fetching ${remote}`), 1_000);
  await forge.refresh().finally(() => clearTimeout(late));
  return { root, workspace, forge };
}

/** The open proposal of an id. @throws ProblemError PROPOSAL_NOT_FOUND */
export async function findProposal(forge: Forge, id: string, ended = false): Promise<Proposal> {
  const found = (await forge.list({ ended })).find(proposal => proposal.id === id);
  if (found) return found;
  throw new ProblemError(problem('PROPOSAL_NOT_FOUND', `there is no${ended ? '' : ' open'} proposal \`${id}\``));
}
