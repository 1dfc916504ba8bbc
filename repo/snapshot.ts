import { createHash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { classify, type Problem, ProblemError, problem } from '../schema/index.ts';
import { blobOid, type FolderFile, listFolder, readLink, withFile } from './folder-files.ts';
import { git, lastWords } from './git.ts';
import { createMirror, heldOid, isSound, type MirrorFolder } from './mirror-folder.ts';
import type { Oid } from './types.ts';

const MAX_TOTAL_BYTES = 64 * 1024 * 1024;
/** The branch that snapshots are made on. */
const BRANCH = 'refs/heads/main';
/** The same on every machine and at every time, so that equal folders give equal commits. */
const AUTHOR = 'mcpctl <mcpctl@localhost> 946684800 +0000';

export type Snapshot = { commit: Oid; changed: boolean; problem?: undefined } | { problem: Problem };

/** Whether a folder is a git repository of its own: a working tree's top folder, or a bare one. */
export async function isRepository(folder: string): Promise<boolean> {
  const exists = (name: string) =>
    lstat(join(folder, name)).then(
      () => true,
      () => false,
    );
  if (await exists('.git')) return true;
  return (await exists('HEAD')) && (await exists('objects')) && (await exists('refs'));
}

export interface SnapshotOptions {
  /** What is not a repository of its own. */
  folder: string;
  /** The folder below it that has `mcpctl.yaml`, as `parseRepoPath` returns it. */
  path: string;
  /** The repository of ours; made when absent, nothing else may be in it. */
  bareDir: string;
  /** For PATH. */
  env: NodeJS.ProcessEnv;
}

/**
 * Record a folder's files as a commit on `main` of a bare repository of ours. Only what belongs to the repository format
 * is taken, as it is: a folder's other files, which nobody chose to publish, are not copied. There is a new commit only
 * when something changed.
 * @returns READ_FAILED for more than 64 MiB, STATE_UNUSABLE when `bareDir` cannot be used
 */
export async function snapshotFolder({ folder, path, bareDir, env }: SnapshotOptions): Promise<Snapshot> {
  const remote = { kind: 'path', url: bareDir, display: folder } as const;
  const bare: MirrorFolder = { dir: bareDir, env, remote, held: BRANCH };
  try {
    if (!(await isSound(bare))) await createMirror(bare);
    const files = await readAll(folder, path);
    const digest = digestOf(files);
    const parent = await heldOid(bare);
    if (parent !== undefined && (await messageOf(bare, parent)) === messageFor(digest)) {
      return { commit: parent, changed: false };
    }
    return { commit: await record(bare, parent, files, messageFor(digest)), changed: true };
  } catch (error) {
    if (error instanceof ProblemError) return { problem: error.problem };
    throw error;
  }
}

interface Content extends FolderFile {
  bytes: Buffer;
}

async function readAll(folder: string, below: string): Promise<Content[]> {
  const prefix = below === '' ? '' : `${below}/`;
  const isOurs = (path: string) => path.startsWith(prefix) && classify(path.slice(prefix.length)).kind !== 'ignored';
  const contents: Content[] = [];
  let total = 0;
  for (const { path, mode } of await listFolder(folder, name => prefix.startsWith(`${name}/`) || isOurs(`${name}/x`))) {
    if (!isOurs(path)) continue;
    if (mode === '120000') contents.push({ path, mode, bytes: await readLink(folder, path) });
    // What cannot be read back under the name it was listed by, or is a socket and the like, git has no place for.
    if (mode !== '100644' || path.includes('\ufffd')) continue;
    withFile(folder, path, file => {
      total += file.size;
      if (total > MAX_TOTAL_BYTES) throw tooLarge(folder);
      contents.push({ path, mode: file.executable ? '100755' : mode, bytes: file.read() });
    });
    // A daemon has more to do meanwhile.
    await setImmediate();
  }
  return contents;
}

function digestOf(files: readonly Content[]): string {
  const hash = createHash('sha256');
  for (const { path, mode, bytes } of files) hash.update(`${mode} ${blobOid(bytes)} ${path}\0`);
  return hash.digest('hex');
}

function messageFor(digest: string): string {
  return `Snapshot of a folder\n\nContent: sha256:${digest}\n`;
}

async function messageOf({ dir, env }: MirrorFolder, commit: Oid): Promise<string | undefined> {
  const result = await git(['cat-file', 'commit', commit], { env, gitDir: dir });
  const text = result.stdout.toString();
  return result.code === 0 ? text.slice(text.indexOf('\n\n') + 2) : undefined;
}

async function record(
  { dir, env }: MirrorFolder,
  parent: Oid | undefined,
  files: readonly Content[],
  message: string,
): Promise<Oid> {
  const stream: Buffer[] = [Buffer.from(`commit ${BRANCH}\nauthor ${AUTHOR}\ncommitter ${AUTHOR}\n`)];
  stream.push(data(Buffer.from(message)));
  if (parent !== undefined) stream.push(Buffer.from(`from ${parent}\n`));
  stream.push(Buffer.from('deleteall\n'));
  for (const { path, mode, bytes } of files) {
    stream.push(Buffer.from(`M ${mode} inline ${quotePath(path)}\n`), data(bytes));
  }
  stream.push(Buffer.from('done\n'));
  const result = await git(['fast-import', '--quiet', '--done'], { env, gitDir: dir, input: Buffer.concat(stream) });
  const commit = result.code === 0 ? await heldOid({ dir, env, held: BRANCH }) : undefined;
  if (commit !== undefined) return commit;
  const why = `The folder could not be recorded in ${dir}: ${lastWords(result, [])}`;
  throw new ProblemError(problem('STATE_UNUSABLE', why));
}

function data(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from('\n')]);
}

/** A path in fast-import's C style: every byte that could mean something else as three octal digits. */
function quotePath(path: string): string {
  const quoted = [...Buffer.from(path)].map(byte => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9._/-]/.test(character) ? character : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `"${quoted.join('')}"`;
}

function tooLarge(folder: string): ProblemError {
  const message = `The folder ${folder} has more than ${MAX_TOTAL_BYTES} bytes`;
  const hint = 'Make it a git repository of its own (`git init`, commit), or name the folder that has `mcpctl.yaml`.';
  return new ProblemError(problem('READ_FAILED', message, { hint }));
}
