import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A commit as it is to be. */
export interface PlannedCommit {
  /** What the test calls it. */
  name: string;
  /** Text of a file; null deletes it; `{ from }` moves another file or folder here; `{ executable }` is a program. */
  files?: Readonly<Record<string, string | null | { from: string } | { executable: string }>>;
  message?: string;
  author?: string;
  /** Its parent; the commit before it unless given, none for the first. */
  onto?: string;
  /** A second parent. */
  merges?: string;
  /** Days after the first commit; one more than the commit before unless given. */
  day?: number;
}

/** A real repository, checked out at its last commit, whose every commit is known. */
export interface PlannedHistory {
  folder: string;
  /** The id of a commit by what the test calls it. */
  oid(name: string): string;
  /** Run git. @returns its output, trimmed */
  git(...args: string[]): string;
  remove(): void;
}

/** Seconds since 1970 of the first commit, 2026-01-01T00:00:00Z; each further one is a day later. */
const FIRST = 1_767_225_600;
const DAY = 86_400;

/** Make a repository of many commits quickly. @param bare without a checkout */
export function plannedHistory(commits: Iterable<PlannedCommit>, options: { bare?: boolean } = {}): PlannedHistory {
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-history-'));
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: folder, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024, stdio: 'pipe' }).trim();
  mkdirSync(folder, { recursive: true });
  git('init', '--quiet', '--initial-branch=main', ...(options.bare === true ? ['--bare'] : []));
  git('config', 'user.name', 'Test');
  git('config', 'user.email', 'test@example.com');
  const marks = new Map<string, number>();
  const marksFile = join(folder, '..', `${folder.split('/').at(-1)}.marks`);
  const input = [...stream(commits, marks)].join('');
  execFileSync('git', ['fast-import', '--quiet', `--export-marks=${marksFile}`], { cwd: folder, input });
  const ids = new Map(
    readFileSync(marksFile, 'utf8')
      .split('\n')
      .map(line => [Number(line.slice(1).split(' ')[0]), line.split(' ')[1] ?? '']),
  );
  rmSync(marksFile);
  if (options.bare !== true) git('reset', '--quiet', '--hard', 'main');
  return {
    folder,
    git,
    oid(name) {
      const oid = ids.get(marks.get(name) ?? -1);
      if (oid === undefined) throw new Error(`no commit was planned as ${name}`);
      return oid;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function* stream(commits: Iterable<PlannedCommit>, marks: Map<string, number>): Generator<string> {
  let mark = 0;
  for (const { name, files = {}, message = name, author = 'Ann', onto, merges, day = mark } of commits) {
    const at = FIRST + day * DAY;
    const parent = onto === undefined ? mark : marks.get(onto);
    mark += 1;
    marks.set(name, mark);
    const by = `${author} <${author.toLowerCase()}@example.com> ${at} +0000`;
    yield `commit refs/heads/main\nmark :${mark}\nauthor ${by}\ncommitter ${by}\n${data(message)}`;
    if (parent !== undefined && parent > 0) yield `from :${parent}\n`;
    if (merges !== undefined) yield `merge :${marks.get(merges)}\n`;
    for (const [path, content] of Object.entries(files)) yield change(path, content);
    yield '\n';
  }
}

function change(path: string, content: string | null | { from: string } | { executable: string }): string {
  if (content === null) return `D ${path}\n`;
  if (typeof content === 'string') return `M 100644 inline ${path}\n${data(content)}`;
  return 'from' in content ? `R ${content.from} ${path}\n` : `M 100755 inline ${path}\n${data(content.executable)}`;
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}
