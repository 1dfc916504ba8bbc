import {
  array,
  literal,
  maxLength,
  minLength,
  enum as oneOf,
  refine,
  regex,
  strictObject,
  string,
  type z,
} from 'zod/mini';
import { type Parsed, parseCanonical } from './canonical-json.ts';
import { MAX_MANIFEST_BYTES } from './manifest-place.ts';
import { ContentDigest, FilePath, ObjectId, RepositoryId, Sha256, Size, Version } from './names.ts';

/**
 * What a release consists of: every file of the repository format, either a resource's or one of `files` (patches, root
 * documents, generated files). It has neither version nor sequence, so that a release made again has the same bytes.
 */
export type Manifest = z.infer<ReturnType<typeof shapes>>;

/** A resource: `oid` is git's id of its file, of a skill that of its folder; `files` have paths from the root folder. */
export type ManifestResource = Manifest['resources'][number];

/** One file as git has it; a mode is one of git's two. */
export type ManifestFile = Manifest['files'][number];

let made: ReturnType<typeof shapes> | undefined;

/** Made when the first manifest is taken apart: most who check a release compare its bytes with the signed hash. */
function manifestType(): ReturnType<typeof shapes> {
  made ??= shapes();
  return made;
}

function shapes() {
  const file = strictObject({
    path: FilePath,
    mode: oneOf(['100644', '100755']),
    size: Size,
    sha256: Sha256,
  });
  const name = string().check(
    maxLength(256),
    regex(/^(?:(?:project|agent)\/[a-z0-9-]+\/)?[a-z]+\/[a-z0-9-]+$/, 'not the id of a resource'),
  );
  const resource = strictObject({
    id: name,
    version: Version,
    oid: ObjectId,
    digest: ContentDigest,
    files: array(file).check(minLength(1), maxLength(10_000)),
  });
  return strictObject({
    apiVersion: literal('mcpctl.dev/v1'),
    kind: literal('Manifest'),
    repository: RepositoryId,
    /** Sorted by id. */
    resources: array(resource).check(maxLength(200_000)),
    /** Sorted by path. */
    files: array(file).check(maxLength(200_000)),
    /** Resources that are no more, with their last version, so that none is given twice. Sorted by id. */
    removed: array(strictObject({ id: name, version: Version })).check(maxLength(200_000)),
  }).check(
    refine(
      ({ resources }) => isSorted(resources.map(({ id }) => id)),
      'resources are not sorted, or one is there twice',
    ),
    refine(({ removed }) => isSorted(removed.map(({ id }) => id)), 'removed resources are not sorted'),
    refine(({ files }) => isSorted(files.map(({ path }) => path)), 'files are not sorted, or one is there twice'),
    refine(
      ({ resources }) => resources.every(({ files }) => isSorted(files.map(({ path }) => path))),
      'a resource’s files are not sorted',
    ),
  );
}

/** Parse a manifest's bytes; only what `printManifest` would write is one. */
export function parseManifest(bytes: Uint8Array): Parsed<Manifest> {
  return parseCanonical(bytes, manifestType(), {
    code: 'MANIFEST_INVALID',
    what: 'the manifest',
    maxBytes: MAX_MANIFEST_BYTES,
    print: printManifest,
  });
}

/** In canonical JSON. Written out, because a manifest is large and is printed each time that one is parsed. */
export function printManifest({ apiVersion, kind, repository, resources, files, removed }: Manifest): string {
  const gone = removed.map(({ id, version }) => `{"id":${quoted(id)},"version":${quoted(version)}}`).join(',');
  const head = `{"apiVersion":${quoted(apiVersion)},"files":[${printFiles(files)}],"kind":${quoted(kind)},"removed":[${gone}]`;
  const all = resources.map(
    ({ id, version, oid, digest, files: own }) =>
      `{"digest":${quoted(digest)},"files":[${printFiles(own)}],"id":${quoted(id)},"oid":${quoted(oid)},"version":${quoted(version)}}`,
  );
  return `${head},"repository":${quoted(repository)},"resources":[${all.join(',')}]}\n`;
}

function printFiles(files: readonly ManifestFile[]): string {
  return files
    .map(
      ({ path, mode, size, sha256 }) =>
        `{"mode":${quoted(mode)},"path":${quoted(path)},"sha256":${quoted(sha256)},"size":${size}}`,
    )
    .join(',');
}

function quoted(text: string): string {
  return /^[\w./:+-]*$/.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** Every file that a manifest names, by path; undefined when one is named twice. */
export function manifestFiles({ resources, files }: Manifest): Map<string, ManifestFile> | undefined {
  const all = new Map<string, ManifestFile>();
  let count = files.length;
  for (const file of files) all.set(file.path, file);
  for (const resource of resources) {
    count += resource.files.length;
    for (const file of resource.files) all.set(file.path, file);
  }
  return all.size === count ? all : undefined;
}

/** Each greater than the one before, by code unit. */
function isSorted(texts: readonly string[]): boolean {
  return texts.every((text, index) => index === 0 || (texts[index - 1] ?? '') < text);
}
