import { readContents } from '../repo/index.ts';
import {
  type AnyResource,
  type FileContent,
  type ParsedFile,
  printYaml,
  type ResourceDocument,
  type ResourceFiles,
  type ResourceId,
  SkillFile,
  toDocument,
} from '../schema/index.ts';
import type { CliContext } from './context.ts';
import type { Declared, Loaded, Place } from './load-catalog.ts';
import { readContent } from './write-files.ts';

/** No file of the repository format may be larger. */
const MAX_BYTES = 8 * 1024 * 1024;
const PARALLEL = 32;

/**
 * The documents of resources, as their files say, without defaults; with patches where an environment is chosen. What
 * is broken has none.
 * @throws ProblemError FILE_NOT_REGULAR, READ_FAILED
 */
export async function documentsOf(
  context: Pick<CliContext, 'env'>,
  loaded: Loaded,
  items: readonly Declared[],
  place: Place,
): Promise<ReadonlyMap<ResourceId, ResourceDocument>> {
  const filesOf = finder(loaded);
  const patched = new Set(
    loaded.files.flatMap(({ patch }) => (patch && patch.environment === place.environment ? [patch.target] : [])),
  );
  const documents = new Map<ResourceId, ResourceDocument>();
  const good = items.filter(({ resource }) => resource !== undefined);
  for (let start = 0; start < good.length; start += PARALLEL) {
    const batch = good.slice(start, start + PARALLEL);
    const contents = await read(context, loaded, batch.flatMap(filesOf), place);
    for (const one of batch) {
      const own = new Map(filesOf(one).flatMap(({ path }) => entry(contents, path)));
      const files = one.resource && patched.has(one.id) ? merged(one.resource, one.written, own) : own;
      const result = toDocument(files);
      if ('document' in result) documents.set(one.id, result.document);
    }
  }
  return documents;
}

/** Finds the files that declare a resource; of a bundle, every file of its folder. */
function finder({ files }: Loaded): (one: Declared) => ParsedFile[] {
  const byPath = new Map(files.map(file => [file.path, file]));
  const bundles = files.filter(({ part }) => part !== undefined);
  return ({ row, file }) => {
    const main = byPath.get(file);
    if (row.form !== 'bundle') return main ? [main] : [];
    const folder = file.slice(0, file.lastIndexOf('/') + 1);
    return bundles.filter(({ path }) => path.startsWith(folder));
  };
}

async function read(
  { env }: Pick<CliContext, 'env'>,
  { root }: Loaded,
  files: readonly ParsedFile[],
  { at, staged }: Place,
): Promise<ReadonlyMap<string, FileContent>> {
  const found = new Map<string, FileContent>();
  if (at === undefined && staged !== true) {
    const all = await Promise.all(files.map(async ({ path }) => [path, await readContent(root, path)] as const));
    for (const [path, content] of all) if (content) found.set(path, content);
    return found;
  }
  const contents = await readContents(
    root,
    files.map(({ oid }) => oid),
    MAX_BYTES,
    env,
  );
  for (const { path, oid, part } of files) {
    const bytes = contents.get(oid);
    if (bytes) found.set(path, { bytes, mode: part?.file.mode === '100755' ? '100755' : '100644' });
  }
  return found;
}

function entry(contents: ReadonlyMap<string, FileContent>, path: string): [string, FileContent][] {
  const content = contents.get(path);
  return content ? [[path, content]] : [];
}

/** The files as they would be, were the patches written into them. */
function merged(resource: AnyResource, written: unknown, files: ResourceFiles): ResourceFiles {
  const result = new Map(files);
  const put = (path: string, text: string) => result.set(path, { bytes: Buffer.from(text), mode: '100644' });
  switch (resource.kind) {
    case 'Prompt':
    case 'Personality':
      return put(resource.file, markdown(written, resource.spec.content));
    case 'Skill': {
      const { frontMatter, content } = resource.spec;
      put(resource.file, markdown(frontMatter, content));
      const extras = resource.file.replace(/SKILL\.md$/, 'skill.yaml');
      if (!files.has(extras)) return result;
      const spec = Object.fromEntries(Object.keys(SkillFile.shape).map(key => [key, Reflect.get(resource.spec, key)]));
      return put(extras, printYaml({ apiVersion: 'mcpctl.dev/v1', kind: 'Skill', metadata: resource.metadata, spec }));
    }
    default:
      return put(resource.file, printYaml(written));
  }
}

function markdown(frontMatter: unknown, content: string): string {
  return `---\n${printYaml(frontMatter)}---\n${content}`;
}
