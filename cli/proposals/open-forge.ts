import { type Command, Option } from 'commander';
import { type Forge, type Proposal, userWorkspace, type Workspace } from '../../repo/forges/index.ts';
import { ProblemError, problem } from '../../schema/index.ts';
import type { CliContext } from '../context.ts';
import { repositoryRoot } from '../repository-root.ts';
import { step } from '../style.ts';
import { chooseForge, type ForgeName, forgeNames } from './choose-forge.ts';

/** Options of every command about proposals. */
export interface ForgeOptions {
  dir: string;
  remote: string;
  branch: string;
  forge?: ForgeName;
}

export interface OpenForge {
  /** The folder that has `mcpctl.yaml`; absolute. */
  root: string;
  workspace: Workspace;
  forge: Forge;
}

/** Add `-C`, `--remote`, `--branch` and `--forge`. */
export function forgeOptions(command: Command): Command {
  return command
    .option('-C, --dir <dir>', 'a folder of the working tree', '.')
    .option('--remote <name>', 'the remote that proposals are on', 'origin')
    .option('--branch <name>', 'the branch that is proposed for', 'main')
    .addOption(
      new Option('--forge <name>', 'where it is reviewed (default: by the remote’s address and mcpctl.yaml)').choices(
        forgeNames,
      ),
    );
}

/**
 * The forge of a clone, with everything fetched.
 * @throws ProblemError REPOSITORY_MISSING, REMOTE_NOT_FOUND, REMOTE_UNREACHABLE
 */
export async function openForge(context: CliContext, options: ForgeOptions): Promise<OpenForge> {
  const { dir, remote, branch } = options;
  const { env, signal } = context;
  const root = repositoryRoot(context.cwd, dir);
  const workspace = await userWorkspace({ folder: root, env, remote, branch, signal });
  const address = (await workspace.git(['config', '--get', `remote.${remote}.url`])).stdout.toString().trim();
  const forge = await chooseForge(workspace, { address, env, signal, named: options.forge });
  const late = setTimeout(() => step(context.io, `fetching ${remote}`), 1_000);
  await forge.refresh().finally(() => clearTimeout(late));
  return { root, workspace, forge };
}

/** The open proposal of an id. @throws ProblemError PROPOSAL_NOT_FOUND */
export async function findProposal(forge: Forge, id: string, ended = false): Promise<Proposal> {
  const found = (await forge.list({ ended, only: id })).find(proposal => proposal.id === id);
  if (found) return found;
  throw new ProblemError(problem('PROPOSAL_NOT_FOUND', `there is no${ended ? '' : ' open'} proposal \`${id}\``));
}
