import { mkdir } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { mcpctlHome } from '../../host/index.ts';
import { type Forge, openBranches, type Proposal, userWorkspace, type Workspace } from '../../repo/forges/index.ts';
import { openSnapshots, type Snapshots } from '../../repo/index.ts';
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
  return withForge(context, options, async ({ root, workspace, forge, refreshed }) => {
    await refreshed();
    return { root, workspace, forge };
  });
}

/** A forge while its remote is asked. */
export interface EarlyForge extends OpenForge {
  snapshots: Snapshots;
  /** Resolves when everything is fetched; that begins now if it has not. */
  refreshed(): Promise<void>;
  /**
   * Read something, at once and from what is known, while the remote is asked; again when it turns out that anything
   * moved. Asking takes about as long as all the rest, and mostly nothing did.
   * @param work changes nothing that anybody sees
   */
  fresh<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * Do something with the forge of a clone, beginning before all is fetched.
 * @param ask when the remote is asked: `now`, or `when needed`, by `refreshed` or `fresh`
 * @throws ProblemError as `openForge`
 */
export async function withForge<T>(
  context: CliContext,
  options: ForgeOptions,
  work: (open: EarlyForge) => Promise<T>,
  ask: 'now' | 'when needed' = 'now',
): Promise<T> {
  const { dir, remote, branch } = options;
  const { env, signal } = context;
  const root = repositoryRoot(context.cwd, dir);
  const workspace = await userWorkspace({ folder: root, env, remote, branch, signal });
  // Where there is one, compiled code is kept in it, and every command after this one starts sooner.
  void mkdir(mcpctlHome(env), { recursive: true, mode: 0o700 }).catch(() => undefined);
  const branches = openBranches(workspace);
  let fetching: ReturnType<typeof beginFetch> | undefined;
  let late: NodeJS.Timeout | undefined;
  function beginFetch() {
    late = setTimeout(() => step(context.io, `fetching ${remote}`), 1_000);
    return settled(branches.refresh().finally(() => clearTimeout(late)));
  }
  function fetched() {
    fetching ??= beginFetch();
    return fetching;
  }
  if (ask === 'now') void fetched();
  const snapshots = openSnapshots(workspace, env);
  try {
    const refreshed = async () => void (await fetched())();
    const place = { workspace, branches, snapshots, refreshed };
    const home = mcpctlHome(env);
    const secrets = { env, home, stateDir: home };
    const forge = await chooseForge(place, { env, secrets, signal, named: options.forge });
    return await work({
      root,
      workspace,
      forge,
      snapshots,
      refreshed,
      async fresh(read) {
        const asked = fetched();
        const early = settled(read());
        const moved = (await asked)();
        const first = await early;
        return moved ? read() : first();
      },
    });
  } finally {
    clearTimeout(late);
    snapshots.close();
  }
}

/** What came of something, to be asked for when there is time; nothing is thrown before. */
async function settled<T>(work: Promise<T>): Promise<() => T> {
  return work.then(
    value => () => value,
    error => () => {
      throw error;
    },
  );
}

/** The open proposal of an id. @throws ProblemError PROPOSAL_NOT_FOUND */
export async function findProposal(forge: Forge, id: string, ended = false): Promise<Proposal> {
  const found = (await forge.list({ ended, only: id })).find(proposal => proposal.id === id);
  if (found) return found;
  throw new ProblemError(problem('PROPOSAL_NOT_FOUND', `there is no${ended ? '' : ' open'} proposal \`${id}\``));
}
