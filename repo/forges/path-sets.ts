import { ProblemError, problem } from '../../schema/index.ts';
import { lastWords } from '../git.ts';
import type { Oid } from '../types.ts';
import type { Commit } from './commits.ts';
import type { Workspace } from './workspace.ts';

const MAX_BYTES = 256 * 1024 * 1024;

/** The paths that each commit changes, in one process. Merges change nothing of their own here. */
export async function changesOf(workspace: Workspace, commits: readonly Commit[]): Promise<Map<Oid, string[]>> {
  const plain = commits.filter(({ parents }) => parents.length < 2).map(({ oid }) => oid);
  return new Map([...(await diffTrees(workspace, plain))].map(([oid, paths]) => [oid, [...paths]]));
}

/** The paths in which each of some commits differs from a base, in one process. */
export async function differences(
  workspace: Workspace,
  base: string,
  commits: readonly Oid[],
): Promise<Map<Oid, Set<string>>> {
  const resolved = await workspace.git(['rev-parse', '--verify', '--end-of-options', `${base}^{commit}`]);
  const from = resolved.stdout.toString().trim();
  // A commit followed by others is compared with those, as if they were its parents.
  return diffTrees(
    workspace,
    commits.map(commit => `${commit} ${from}`),
  );
}

async function diffTrees(workspace: Workspace, lines: readonly string[]): Promise<Map<Oid, Set<string>>> {
  if (lines.length === 0) return new Map();
  const args = ['diff-tree', '--stdin', '--root', '-r', '-z', '--raw', '--no-renames'];
  const result = await workspace.git(args, { input: `${lines.join('\n')}\n`, maxOutputBytes: MAX_BYTES });
  if (result.code !== 0) throw new ProblemError(problem('READ_FAILED', `git diff-tree: ${lastWords(result, [])}`));
  return parseRaw(result.stdout.toString('utf8'));
}

/** `<oid> NUL`, then `:<modes, ids, status> NUL <path> NUL` for each file: a path only ever follows such a line. */
function parseRaw(output: string): Map<Oid, Set<string>> {
  const sets = new Map<Oid, Set<string>>();
  const parts = output.split('\0');
  let current = new Set<string>();
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] ?? '';
    if (part.startsWith(':')) current.add(parts[++at] ?? '');
    else if (part !== '') {
      current = sets.get(part) ?? new Set();
      sets.set(part, current);
    }
  }
  return sets;
}
