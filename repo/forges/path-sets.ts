import { ProblemError, problem } from '../../schema/index.ts';
import { lastWords } from '../git.ts';
import type { Oid } from '../types.ts';
import type { Commit } from './commits.ts';
import type { Workspace } from './workspace.ts';

const MAX_BYTES = 256 * 1024 * 1024;

/** A proposal's own commits, newest first. */
export interface Line {
  head: Oid;
  own: readonly Commit[];
}

/** What merging a proposal would bring. */
export interface Brought {
  /** Files, from the top of the git repository. */
  paths: string[];
  /** The branch has all of it already, whichever way it came there. */
  superseded: boolean;
}

/**
 * What proposals bring: the files in which each differs from where it left the branch, or from the newest commit of the
 * branch that was merged into it. So what only a merge commit changes counts as well. One process for all, and
 * one more when there were such merges.
 * @param main a commit's id
 */
export async function broughtBy(workspace: Workspace, main: Oid, lines: readonly Line[]): Promise<Map<Oid, Brought>> {
  const bases = await basesOf(workspace, lines);
  const compared = lines.map(({ head }) => [head, bases.get(head)] as const);
  const older = [...new Set(bases.values())].filter(base => base !== main);
  const sets = await diffTrees(workspace, [
    ...compared.flatMap(([head, base]) => (base === undefined ? [] : `${head} ${base}`)),
    ...older.map(base => `${main} ${base}`),
  ]);
  const since = new Map(older.map(base => [base, sets.get(`${main} ${base}`)]));
  const found = new Map<Oid, Brought>();
  for (const [head, base] of compared) {
    // It has nothing in common with the branch, and cannot be merged.
    if (base === undefined) found.set(head, { paths: [], superseded: false });
    else found.set(head, brought(sets.get(`${head} ${base}`) ?? new Map(), since.get(base)));
  }
  return found;
}

/** @param since what the branch changed from the same commit on; undefined when it is there still */
function brought(own: ReadonlyMap<string, string>, since: ReadonlyMap<string, string> | undefined): Brought {
  const superseded = [...own].every(([path, content]) => since?.get(path) === content);
  return { paths: [...own.keys()].sort(), superseded };
}

/** The newest commit of the branch in each line. */
async function basesOf(workspace: Workspace, lines: readonly Line[]): Promise<Map<Oid, Oid>> {
  const found = new Map<Oid, Oid>();
  const several = new Map<Oid, Set<Oid>>();
  for (const { head, own } of lines) {
    const inside = new Set(own.map(({ oid }) => oid));
    const edge = new Set(own.flatMap(({ parents }) => parents.filter(parent => !inside.has(parent))));
    const [only] = edge;
    if (edge.size === 1 && only !== undefined) found.set(head, only);
    else if (edge.size > 1) several.set(head, edge);
  }
  if (several.size === 0) return found;
  const order = await newestFirst(
    workspace,
    [...several.values()].flatMap(edge => [...edge]),
  );
  for (const [head, edge] of several) {
    const newest = order.find(oid => edge.has(oid));
    if (newest !== undefined) found.set(head, newest);
  }
  return found;
}

/** Commits so that none comes before one that descends from it; a commit's own time is its author's word only. */
async function newestFirst(workspace: Workspace, commits: readonly Oid[]): Promise<Oid[]> {
  const wanted = new Set(commits);
  const result = await workspace.git(['rev-list', '--topo-order', '--stdin'], {
    input: `${[...wanted].join('\n')}\n`,
    maxOutputBytes: MAX_BYTES,
  });
  if (result.code !== 0) throw new ProblemError(problem('READ_FAILED', `git rev-list: ${lastWords(result, [])}`));
  return result.stdout
    .toString()
    .split('\n')
    .filter(oid => wanted.has(oid));
}

/**
 * The files in which two commits differ, for each line `<commit> <base>`: by path, what it became.
 * A commit followed by another is compared with that, as if it were its parent; see git-diff-tree(1).
 */
async function diffTrees(workspace: Workspace, lines: readonly string[]): Promise<Map<string, Map<string, string>>> {
  if (lines.length === 0) return new Map();
  const args = ['diff-tree', '--stdin', '--always', '-r', '-z', '--raw', '--no-abbrev', '--no-renames'];
  const result = await workspace.git(args, { input: `${lines.join('\n')}\n`, maxOutputBytes: MAX_BYTES });
  if (result.code !== 0) throw new ProblemError(problem('READ_FAILED', `git diff-tree: ${lastWords(result, [])}`));
  const sets = parseRaw(result.stdout.toString('utf8'));
  if (sets.length !== lines.length) throw new ProblemError(problem('READ_FAILED', 'git diff-tree said too little'));
  return new Map(lines.map((line, index) => [line, sets[index] ?? new Map()]));
}

/** `<oid> NUL`, then `:<mode> <mode> <oid> <oid> <status> NUL <path> NUL` for each file: a path only ever follows such a line. */
function parseRaw(output: string): Map<string, string>[] {
  const sets: Map<string, string>[] = [];
  const parts = output.split('\0');
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] ?? '';
    if (!part.startsWith(':')) {
      if (part !== '') sets.push(new Map());
      continue;
    }
    const [, mode = '', , oid = ''] = part.split(' ');
    sets.at(-1)?.set(parts[++at] ?? '', `${mode} ${oid}`);
  }
  return sets;
}
