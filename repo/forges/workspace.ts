import { type RunResult, redact } from '../../host/index.ts';
import { ProblemError, problem } from '../../schema/index.ts';
import { lastWords } from '../git.ts';
import type { Oid } from '../types.ts';

export interface GitCall {
  input?: string | Uint8Array;
  /** Variables besides the fixed ones. */
  env?: Readonly<Record<string, string>>;
  timeoutMs?: number;
  maxOutputBytes?: number;
}

/** A local repository through which proposals are read and written, and the remote they are on. */
export interface Workspace {
  readonly gitDir: string;
  /** The folder below the repository's top that has `mcpctl.yaml`; empty for the top itself. */
  readonly path: string;
  /** A remote's name in the local configuration, or its URL; never from outside. */
  readonly remote: string;
  /** What its files are read for: whose cache of parsed files is used, and what messages name. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The branch that changes are proposed for. */
  readonly branch: string;
  /** The remote's address. @throws ProblemError REMOTE_NOT_FOUND when there is no such remote */
  address(): Promise<string>;
  /** A setting of git's, as it applies here: `commit.gpgsign`, `gpg.format`; undefined when nothing sets it. */
  setting(name: Setting): Promise<string | undefined>;
  /** Run git on it, as whoever proposes or reviews. Never rejects. */
  git(args: readonly string[], call?: GitCall): Promise<RunResult>;
}

/** What of git's configuration is asked for. */
export type Setting = 'commit.gpgsign' | 'gpg.format';

/** Where the remote's branches are kept locally: out of sight of `git branch`. */
export const localRefs = {
  main: 'refs/mcpctl/main',
  proposal: (id: string) => `refs/mcpctl/proposals/${id}`,
  review: (id: string) => `refs/mcpctl/reviews/${id}`,
} as const;

/** Milliseconds for one exchange with the remote. */
const EXCHANGE_MS = 120_000;

/**
 * Bring the branch, every proposal and every review up to date: one exchange.
 * @throws ProblemError REMOTE_UNREACHABLE
 */
export async function refresh(workspace: Workspace): Promise<void> {
  const result = await workspace.git(
    [
      'fetch',
      '--quiet',
      '--no-tags',
      '--prune',
      '--no-write-fetch-head',
      '--no-auto-maintenance',
      '--no-recurse-submodules',
      workspace.remote,
      `+refs/heads/${workspace.branch}:${localRefs.main}`,
      `+refs/heads/proposals/*:${localRefs.proposal('*')}`,
      `+refs/heads/reviews/*:${localRefs.review('*')}`,
    ],
    { timeoutMs: EXCHANGE_MS },
  );
  if (result.code === 0) return;
  const message = `\`${workspace.remote}\` could not be fetched: ${lastWords(result, [])}`;
  throw new ProblemError(problem('REMOTE_UNREACHABLE', message));
}

/** One change of a remote's branch: from what it must be now, to what it shall be (undefined: there is none). */
export interface RefUpdate {
  /** `proposals/<id>`, `reviews/<id>` or the branch itself. */
  branch: string;
  from: Oid | undefined;
  to: Oid | undefined;
}

/**
 * Change branches of the remote: all of them or none, and only if each is still what it was.
 * @throws ProblemError REVIEW_RACE when one is not; REMOTE_REFUSED when the remote does not take it
 */
export async function push(workspace: Workspace, updates: readonly RefUpdate[]): Promise<void> {
  const leases = updates.map(({ branch, from }) => `--force-with-lease=refs/heads/${branch}:${from ?? ''}`);
  const specs = updates.map(({ branch, to }) => `${to ?? ''}:refs/heads/${branch}`);
  const result = await workspace.git(
    ['push', '--porcelain', '--quiet', '--atomic', '--no-follow-tags', ...leases, workspace.remote, ...specs],
    { timeoutMs: EXCHANGE_MS },
  );
  if (result.code === 0) return;
  const said = `${result.stdout.toString()}\n${result.stderr}`;
  if (
    /stale info|fetch first|non-fast-forward|cannot lock ref|failed to update ref|reference already exists/.test(said)
  ) {
    const branches = updates.map(({ branch }) => branch).join(', ');
    throw new ProblemError(problem('REVIEW_RACE', `somebody changed ${branches} meanwhile`));
  }
  const told = [...result.stderr.matchAll(/^remote: (.*)$/gm)].map(([, words = '']) => words.trim());
  const words = told.filter(one => one !== '').join(' ') || lastWords(result, []);
  throw new ProblemError(problem('REMOTE_REFUSED', `the remote did not take it: ${redact(words, [], 400)}`));
}
