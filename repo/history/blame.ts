import type { Oid } from '../types.ts';
import { gitPath, type History } from './history.ts';
import type { Commit } from './log.ts';
import { commitsOf, type Origin, originsOf } from './origins.ts';

/** One line of a file, and the commit that made it what it is. */
export interface BlamedLine {
  line: number;
  /** As it is: not fit for a terminal. */
  text: string;
  commit: Commit;
  origin: Origin;
}

const MAX_OUTPUT_BYTES = 128 * 1024 * 1024;

/** Tell of each line of a file who made it so, when, and who let it in. */
export async function blameOf(history: History, commit: Oid, path: string): Promise<BlamedLine[]> {
  const args = ['blame', '--porcelain', '--root', commit, '--', gitPath(history, path)];
  const lines = parseBlame(await history.git(args, { maxOutputBytes: MAX_OUTPUT_BYTES }));
  const commits = await commitsOf(history, [...new Set(lines.map(({ oid }) => oid))]);
  const byId = new Map(commits.map(one => [one.commit, one]));
  const origins = await originsOf(history, commit, commits);
  return lines.flatMap(({ oid, line, text }) => {
    const made = byId.get(oid);
    const origin = origins.get(oid);
    return made && origin ? [{ line, text, commit: made, origin }] : [];
  });
}

/** Each line of the file stands behind a tab, after a line with its commit and numbers. */
function parseBlame(output: Buffer): { oid: Oid; line: number; text: string }[] {
  const found: { oid: Oid; line: number; text: string }[] = [];
  let oid = '';
  let line = 0;
  for (const text of output.toString('utf8').split('\n')) {
    const [, commit, number] = /^([0-9a-f]{40}|[0-9a-f]{64}) \d+ (\d+)(?: \d+)?$/.exec(text) ?? [];
    if (text.startsWith('\t')) found.push({ oid, line, text: text.slice(1) });
    else if (commit !== undefined) {
      oid = commit;
      line = Number(number);
    }
  }
  return found;
}
