import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  MANIFEST_PATH,
  type ManifestFile,
  ProblemError,
  printReleaseMessage,
  problem,
  type ReleaseMessage,
} from '../../schema/index.ts';
import { readBlobs, rootTree } from '../commit-files.ts';
import { git, lastWords } from '../git.ts';
import { openObjects } from '../objects.ts';
import type { TreeFile } from '../tree-changes.ts';
import type { Oid } from '../types.ts';
import { gitMode, measure } from './check-manifest.ts';
import { listTree, type Measured } from './read-release.ts';

/** A repository somebody releases from. */
export interface Workshop {
  gitDir: string;
  /** The folder inside the repository that has `mcpctl.yaml`. */
  path: string;
  env: Readonly<Record<string, string | undefined>>;
}

/** The files of a commit as a manifest names them, and git's ids of them. */
export interface CommitContent {
  files: ManifestFile[];
  oids: ReadonlyMap<string, Oid>;
  /** What was hashed, by object id. */
  measured: Measured;
}

/**
 * Every file of the repository format at a commit, hashed; and the ids of the folders asked for.
 * @param folders of skills
 * @throws ProblemError READ_FAILED; FILE_NOT_REGULAR for what has no place in a release
 */
export async function readContent(
  { gitDir, path, env }: Workshop,
  commit: Oid,
  folders: readonly string[],
): Promise<CommitContent> {
  const objects = openObjects(gitDir, env);
  try {
    const root = await rootTree(objects, commit, path);
    const listed = await listTree(objects, root);
    const oids = new Map(listed.map(({ path: file, oid }) => [file, oid]));
    const files: ManifestFile[] = [];
    const measured: Measured = new Map();
    for await (const blob of readBlobs(objects, listed)) {
      if (!('bytes' in blob)) throw new ProblemError(blob.refused[0] ?? problem('READ_FAILED', blob.file.path));
      const is = measure(blob.bytes);
      measured.set(blob.file.oid, is);
      files.push({ path: blob.file.path, mode: modeOf(blob.file), ...is });
    }
    const found = await Promise.all(folders.map(folder => objects.info(`${root}:${folder}`)));
    for (const [index, folder] of folders.entries()) {
      const oid = found[index]?.oid;
      if (oid !== undefined) oids.set(folder, oid);
    }
    return { files, oids, measured };
  } finally {
    objects.close();
  }
}

function modeOf({ path, mode, fault }: TreeFile): ManifestFile['mode'] {
  const known = fault === undefined ? gitMode(mode) : undefined;
  if (known) return known;
  throw new ProblemError(problem('FILE_NOT_REGULAR', `\`${path}\` cannot be released`, { at: { file: path } }));
}

/** A commit, or a change to the tree of one, that is not in any branch yet. */
export interface NewCommit {
  parent: Oid;
  /** What a tree gets, by path from the repository's top folder; undefined takes it out. */
  changes: ReadonlyMap<string, { mode: string; oid: Oid } | undefined>;
  message: string;
  /** `Name <address> seconds zone`. */
  ident: string;
}

/** Write a commit: its parent's tree with changes. @returns its id */
export async function writeCommit({ gitDir, env }: Workshop, commit: NewCommit): Promise<Oid> {
  const { parent, changes, message, ident } = commit;
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-index-'));
  const extra = { GIT_INDEX_FILE: join(folder, 'index') };
  const call = async (args: readonly string[], input?: string) => {
    const result = await git(args, { env, gitDir, extra, ...(input !== undefined && { input }) });
    if (result.code === 0) return result.stdout.toString().trim();
    throw new ProblemError(problem('COMMIT_FAILED', `git ${args[0]}: ${lastWords(result, [])}`));
  };
  try {
    await call(['read-tree', parent]);
    const lines = [...changes].map(([path, entry]) => {
      return entry ? `${entry.mode} ${entry.oid}\t${path}` : `0 ${'0'.repeat(parent.length)}\t${path}`;
    });
    await call(['update-index', '-z', '--index-info'], lines.map(line => `${line}\0`).join(''));
    const tree = await call(['write-tree']);
    const text = `tree ${tree}\nparent ${parent}\nauthor ${ident}\ncommitter ${ident}\n\n${message}`;
    return await call(['hash-object', '-t', 'commit', '-w', '--stdin'], text);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Write the release commit of a commit. @returns its id */
export async function writeReleaseCommit(
  workshop: Workshop,
  { parent, manifest, version, ident }: { parent: Oid; manifest: string; version: string; ident: string },
): Promise<Oid> {
  const oid = await writeObject(workshop, 'blob', Buffer.from(manifest));
  const path = workshop.path === '' ? MANIFEST_PATH : `${workshop.path}/${MANIFEST_PATH}`;
  const changes = new Map([[path, { mode: '100644', oid }]]);
  return writeCommit(workshop, { parent, changes, message: `Release v${version}\n`, ident });
}

/** Sign and write a release's tag. No ref names it yet. @returns its id */
export async function writeReleaseTag(
  workshop: Workshop,
  { commit, message, ident }: { commit: Oid; message: ReleaseMessage; ident: string },
  sign: (payload: Buffer) => Promise<string>,
): Promise<Oid> {
  const header = `object ${commit}\ntype commit\ntag v${message.version}\ntagger ${ident}\n\n`;
  const payload = Buffer.from(header + printReleaseMessage(message));
  const signature = await sign(payload);
  return writeObject(workshop, 'tag', Buffer.concat([payload, Buffer.from(signature)]));
}

async function writeObject({ gitDir, env }: Workshop, type: 'blob' | 'tag', bytes: Buffer): Promise<Oid> {
  const result = await git(['hash-object', '-t', type, '-w', '--stdin'], { env, gitDir, input: bytes });
  if (result.code === 0) return result.stdout.toString().trim();
  throw new ProblemError(problem('COMMIT_FAILED', `git hash-object: ${lastWords(result, [])}`));
}
