import { createHash } from 'node:crypto';
import {
  MANIFEST_PATH,
  MAX_MANIFEST_BYTES,
  type Manifest,
  type ManifestFile,
  manifestFiles,
  parseRoot,
  type ReleaseMessage,
  ROOT_FOLDER,
  type RootDocument,
} from '../../schema/index.ts';
import { readBlobs, rootTree } from '../commit-files.ts';
import type { Objects } from '../objects.ts';
import { parseTree } from '../tree.ts';
import { type TreeFile, treeChanges } from '../tree-changes.ts';
import type { Oid } from '../types.ts';
import { measure } from './check-manifest.ts';

const MAX_COMMIT_BYTES = 64 * 1024;
const MAX_ROOT_FOLDER_BYTES = 1024 * 1024;
const MAX_ROOT_FILE_BYTES = 256 * 1024;

/** An object's bytes, once its id was found to be theirs: undefined when it is missing, too large or another's. */
export async function readObject(
  objects: Objects,
  name: string,
  type: 'tag' | 'commit',
  maxBytes: number,
): Promise<{ oid: Oid; bytes: Buffer } | undefined> {
  const info = await objects.info(name);
  if (info?.type !== type || info.size > maxBytes) return undefined;
  const { bytes } = (await objects.contents(info.oid, maxBytes)) ?? {};
  if (!bytes) return undefined;
  const algorithm = info.oid.length === 64 ? 'sha256' : 'sha1';
  const oid = createHash(algorithm).update(`${type} ${bytes.length}\0`).update(bytes).digest('hex');
  return oid === info.oid ? { oid, bytes } : undefined;
}

/** A commit's tree and parents; undefined when it cannot be read. */
export async function readCommitObject(objects: Objects, oid: Oid): Promise<{ tree: Oid; parents: Oid[] } | undefined> {
  const commit = await readObject(objects, oid, 'commit', MAX_COMMIT_BYTES);
  const header = commit?.bytes.toString('latin1').split('\n\n', 1)[0]?.split('\n') ?? [];
  const tree = /^tree ([0-9a-f]{40,64})$/.exec(header[0] ?? '')?.[1];
  if (tree === undefined) return undefined;
  return { tree, parents: header.flatMap(line => /^parent ([0-9a-f]{40,64})$/.exec(line)?.[1] ?? []) };
}

/** The versions of the root that a commit has, and what of them cannot be used. */
export async function readRoots(
  objects: Objects,
  root: Oid,
): Promise<{ documents: Map<number, RootDocument>; faults: string[] }> {
  const documents = new Map<number, RootDocument>();
  const faults: string[] = [];
  const folder = await objects.info(`${root}:${ROOT_FOLDER}`);
  if (folder?.type !== 'tree') return { documents, faults };
  const listing = await objects.contents(folder.oid, MAX_ROOT_FOLDER_BYTES);
  if (!listing?.bytes) return { documents, faults: [`${ROOT_FOLDER} is too large`] };
  for (const { name, oid } of parseTree(listing.bytes, folder.oid.length / 2)) {
    const version = /^([1-9]\d{0,4})\.json$/.exec(name)?.[1];
    if (version === undefined) continue;
    const bytes = (await objects.contents(oid, MAX_ROOT_FILE_BYTES))?.bytes;
    const parsed = bytes && parseRoot(bytes, `${ROOT_FOLDER}/${name}`);
    if (!parsed) faults.push(`${ROOT_FOLDER}/${name} is missing or too large`);
    else if ('problem' in parsed) faults.push(parsed.problem.message);
    else if (parsed.value.signed.version !== Number(version)) faults.push(`${ROOT_FOLDER}/${name} is another version`);
    else documents.set(Number(version), parsed.value);
  }
  return { documents, faults };
}

/** The bytes of a release's manifest, if it has the size that is signed. */
export async function readManifestBytes(
  objects: Objects,
  root: Oid,
  { manifest }: ReleaseMessage,
): Promise<Buffer | undefined> {
  if (manifest.size > MAX_MANIFEST_BYTES) return undefined;
  return (await objects.contents(`${root}:${MANIFEST_PATH}`, manifest.size))?.bytes;
}

/** Every file of the repository format in a tree. */
export async function listTree(objects: Objects, root: Oid): Promise<TreeFile[]> {
  return (await treeChanges(objects, undefined, root)).changed;
}

/** Size and sha256 of blobs by object id; remembered, since an object never changes. */
export type Measured = Map<Oid, Pick<ManifestFile, 'size' | 'sha256'>>;

/**
 * Hash every file and compare it with the manifest. @returns what does not match, the first of it
 * @param measured what was hashed before; what is hashed now is added
 */
export async function compareFiles(
  objects: Objects,
  manifest: Manifest,
  files: readonly TreeFile[],
  measured: Measured,
): Promise<{ count: number; mismatch: string | undefined }> {
  const listed = manifestFiles(manifest) ?? new Map<string, ManifestFile>();
  const unknown = new Map(files.filter(({ oid }) => !measured.has(oid)).map(file => [file.oid, file]));
  for await (const blob of readBlobs(objects, [...unknown.values()])) {
    if ('bytes' in blob) measured.set(blob.file.oid, measure(blob.bytes));
  }
  for (const { path, oid } of files) {
    const is = measured.get(oid);
    const said = listed.get(path);
    if (is && said && is.size === said.size && is.sha256 === said.sha256) continue;
    return { count: files.length, mismatch: `\`${path}\` is not what the manifest says` };
  }
  return { count: files.length, mismatch: undefined };
}

export { rootTree };
