import { ProblemError, problem } from '../../schema/index.ts';
import { lastWords } from '../git.ts';
import type { Oid } from '../types.ts';
import type { Workspace } from './workspace.ts';

export interface Person {
  name: string;
  email: string;
}

/** One commit, as far as proposals and reviews need it. */
export interface Commit {
  oid: Oid;
  parents: Oid[];
  author: Person;
  committer: Person;
  /** Seconds since the epoch, as its author claims. */
  time: number;
  message: string;
}

const FIELDS = ['%H', '%P', '%an', '%ae', '%cn', '%ce', '%at', '%B'];

/** More than this is an error: what is left out might be what matters. */
const MAX_COMMITS = 100_000;
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * All commits of a range, newest first, in one process. No field of a commit can hold a NUL, so nothing in one can pass for another.
 * @param range object ids, `^` before those whose ancestors are left out, and options of ours
 */
export async function readCommits(workspace: Workspace, range: readonly string[]): Promise<Commit[]> {
  const options = range.filter(one => one.startsWith('-'));
  const revisions = range.filter(one => !one.startsWith('-'));
  const result = await workspace.git(
    [
      'log',
      '-z',
      `--max-count=${MAX_COMMITS}`,
      '--no-show-signature',
      '--no-mailmap',
      '--no-notes',
      `--format=${FIELDS.join('%x00')}`,
      ...options,
      '--stdin',
    ],
    // There may be more of them than a command line holds.
    { input: `${revisions.join('\n')}\n`, maxOutputBytes: MAX_BYTES },
  );
  if (result.code !== 0) throw new ProblemError(problem('READ_FAILED', `git log failed: ${lastWords(result, [])}`));
  const parts = result.stdout.toString('utf8').split('\0');
  const commits: Commit[] = [];
  for (let at = 0; at + FIELDS.length <= parts.length; at += FIELDS.length) {
    const [oid = '', parents = '', an = '', ae = '', cn = '', ce = '', time = '', message = ''] = parts.slice(
      at,
      at + FIELDS.length,
    );
    commits.push({
      oid,
      parents: parents.split(' ').filter(parent => parent !== ''),
      author: { name: an, email: ae },
      committer: { name: cn, email: ce },
      time: Number(time),
      message,
    });
  }
  if (commits.length === MAX_COMMITS) {
    throw new ProblemError(problem('READ_FAILED', `there are ${MAX_COMMITS} commits or more to look at`));
  }
  return commits;
}

/** The commit that a name of ours stands for; undefined when there is none. */
export async function resolveCommit(workspace: Workspace, name: string): Promise<Oid | undefined> {
  const result = await workspace.git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]);
  return result.code === 0 ? result.stdout.toString().trim() : undefined;
}
