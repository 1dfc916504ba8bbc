import type { Oid } from '../types.ts';
import { type History, ownPath } from './history.ts';

/** A commit as the log has it. Nothing in it is fit for a terminal as it is. */
export interface Commit {
  commit: Oid;
  parents: Oid[];
  author: { name: string; email: string };
  /** ISO 8601, UTC: when it became part of the repository. */
  date: string;
  authoredAt: string;
  subject: string;
  /** The whole message. */
  message: string;
  trailers: Trailer[];
  /** Files that it changed, against its first parent. */
  files: FileChange[];
}

export interface Trailer {
  key: string;
  value: string;
}

/** One file of a commit: what it was and what it became. */
export interface FileChange {
  /** Below the repository's root folder. */
  path: string;
  /** Where it was, when it was renamed. */
  from?: string;
  before: { mode: string; oid: Oid } | undefined;
  after: { mode: string; oid: Oid } | undefined;
}

export interface LogQuery {
  /** Where it begins: an id, or a range that our own grammar made. */
  from: string;
  /** Pathspecs. */
  paths?: readonly string[];
  /** Further arguments of ours: `--max-count=…`, `--author=…`. */
  args?: readonly string[];
}

/** Before each commit; no message can hold the NUL in front of it. */
const MARK = '\u0001';
const FORMAT = `--format=%x01%H%n%P%n%an%n%ae%n%at%n%ct%n%(trailers:only,unfold,separator=%x02)%x03%B`;

/**
 * Commits with the files they changed, newest first. A merge is there when it did not simply take its first parent's
 * side of the paths asked for.
 */
export async function readLog(history: History, { from, paths = [], args = [] }: LogQuery): Promise<Commit[]> {
  const fixed = ['--raw', '--no-abbrev', '--no-color', '--no-show-signature', '--diff-merges=first-parent', '-z'];
  const output = await history.git(['log', ...fixed, FORMAT, ...args, from, '--', ...paths]);
  return parseLog(output, path => ownPath(history, path));
}

/** Take the output of `git log --raw -z` apart; paths outside of the root folder are left out. */
export function parseLog(output: Buffer, ownPathOf: (path: string) => string | undefined): Commit[] {
  const tokens = output.toString('utf8').split('\0');
  const commits: Commit[] = [];
  for (let index = 0; index < tokens.length; index++) {
    const token = (tokens[index] ?? '').replace(/^\n/, '');
    if (token.startsWith(MARK)) commits.push(parseCommit(token.slice(MARK.length)));
    else if (token.startsWith(':')) {
      const isRename = /[RC]\d*$/.test(token);
      const first = tokens[++index] ?? '';
      const last = isRename ? (tokens[++index] ?? '') : first;
      const change = parseRaw(token, ownPathOf(last), isRename ? ownPathOf(first) : undefined);
      if (change) commits.at(-1)?.files.push(change);
    }
  }
  return commits;
}

function parseCommit(text: string): Commit {
  const [head = '', message = ''] = text.split(/\u0003(.*)/s);
  const [commit = '', parents = '', name = '', email = '', authored = '', committed = '', ...rest] = head.split('\n');
  const trailers = rest.join('\n').split('\u0002');
  return {
    commit,
    parents: parents === '' ? [] : parents.split(' '),
    author: { name, email },
    date: isoTime(committed),
    authoredAt: isoTime(authored),
    subject: message.split('\n', 1)[0] ?? '',
    message: message.trimEnd(),
    trailers: trailers.flatMap(parseTrailer),
    files: [],
  };
}

/** Seconds since 1970 as text; git lets any number stand there. */
function isoTime(seconds: string): string {
  const time = new Date(Number(seconds) * 1000);
  return Number.isNaN(time.getTime()) ? '' : time.toISOString().replace('.000Z', 'Z');
}

function parseTrailer(line: string): Trailer[] {
  const colon = line.indexOf(':');
  return colon <= 0 ? [] : [{ key: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() }];
}

/** A change as `--raw` tells it: `:100644 100755 <old> <new> M`; undefined when its path is none of ours. */
export function parseRaw(token: string, path: string | undefined, from: string | undefined): FileChange | undefined {
  const [oldMode = '', mode = '', oldOid = '', oid = ''] = token.slice(1).split(' ');
  if (path === undefined) return undefined;
  return {
    path,
    ...(from !== undefined && { from }),
    before: oldMode === '000000' ? undefined : { mode: oldMode, oid: oldOid },
    after: mode === '000000' ? undefined : { mode, oid },
  };
}

/** The first value of a trailer; keys are compared without regard to case, as git does. */
export function trailer({ trailers }: Pick<Commit, 'trailers'>, key: string): string | undefined {
  return trailers.find(one => one.key.toLowerCase() === key.toLowerCase())?.value;
}
