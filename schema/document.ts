import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { bundleFiles, writeBundle } from './document-bundle.ts';
import { frontMatterOf, writeMarkdown } from './document-markdown.ts';
import { editYaml } from './edit-yaml.ts';
import { findKind, type KindRow } from './kind-table.ts';
import { API_VERSION } from './kinds/envelope.ts';
import { classify, type Declared } from './layout.ts';
import { isMapping, type Mapping } from './mapping.ts';
import { type Problem, problem } from './problem.ts';
import { quoted } from './quote.ts';
import type { Scope } from './resource.ts';
import { usualPath } from './resource-path.ts';
import { decodeSource, type Source } from './source.ts';
import { parseYaml } from './yaml.ts';

/** A file's content as git has it. */
export interface FileContent {
  bytes: Uint8Array;
  mode: '100644' | '100755';
  /** The bytes as text, where that is known already: without NUL characters, and no byte order mark before it. */
  text?: string;
}

/** The files that declare one resource, by path below the repository's root folder. */
export type ResourceFiles = ReadonlyMap<string, FileContent>;

/**
 * A resource as one document: what its files say, without defaults. The text of a Markdown file is `spec.content`, the
 * further files of a bundle are `spec.files`; what a Markdown file says in its front matter is `spec`, but for its
 * name, description, labels and annotations.
 */
export const ResourceDocument = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.string().refine(kind => findKind(kind)?.kind === kind, 'not a kind; `mcpctl explain` lists them'),
  metadata: z.strictObject({
    name: z.string(),
    project: z.string().optional(),
    agent: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
    description: z.string().optional(),
  }),
  spec: z.record(z.string(), z.unknown()),
});
export type ResourceDocument = z.infer<typeof ResourceDocument>;

/** @returns the document, or why the files say none; more is said about them by `parseFile` */
export function toDocument(files: ResourceFiles): { document: ResourceDocument } | { problems: Problem[] } {
  const main = mainFile(files);
  if (!main) return { problems: [problem('FILE_UNKNOWN', 'no file declares a resource')] };
  const { path, declared, row } = main;
  const source = decodeSource(path, main.content.bytes);
  if ('code' in source) return { problems: [source] };
  const written = readWritten(row, source, files, path);
  if ('problems' in written) return written;
  const { description, labels, annotations } = written.metadata;
  const parsed = ResourceDocument.safeParse({
    apiVersion: written.apiVersion,
    kind: written.kind,
    metadata: withoutUndefined({ name: declared.name, ...ownerOf(declared.scope), labels, annotations, description }),
    spec: written.spec,
  });
  if (parsed.success) return { document: parsed.data };
  const words = parsed.error.issues.map(({ path: at, message }) => `\`${at.join('.')}\`: ${message}`).join('; ');
  return { problems: [problem('FIELD_INVALID', words, { at: { file: path } })] };
}

/**
 * The files that declare what a document says.
 * @param previous the files that declare the resource now: their paths are kept, and all that does not change in them,
 *   to the byte; a bundle's files stay as they are when the document has no `spec.files`
 * @param ownerFolder the folder of the project or agent that a new resource belongs to; its usual one when left out
 * @returns every file of the resource; `null` for one that is to go
 */
export function fromDocument(
  document: ResourceDocument,
  previous: ResourceFiles = new Map(),
  ownerFolder?: string,
): { files: Map<string, FileContent | null> } | { problems: Problem[] } {
  const row = findKind(document.kind);
  if (!row) return { problems: [problem('FIELD_INVALID', `there is no kind ${quoted(document.kind)}`)] };
  const main = mainFile(previous);
  const path = main?.path ?? pathOf(row, document.metadata, ownerFolder);
  const declared = classify(path);
  if (declared.kind !== 'resource' || declared.name !== document.metadata.name || declared.resourceKind !== row.kind) {
    return {
      problems: [
        problem('NAME_INVALID', `${quoted(path)} cannot declare ${row.singular} ${quoted(document.metadata.name)}`),
      ],
    };
  }
  const before = main && decodeSource(path, main.content.bytes);
  const text = before && !('code' in before) ? before.text : '';
  const mark = main && startsWithMark(main.content.bytes) ? '\ufeff' : '';
  const after =
    mark +
    (isMarkdown(row)
      ? writeMarkdown(document, text, row.form === 'bundle')
      : editYaml(text, envelopeOf(document, text)));
  const files = new Map<string, FileContent | null>([
    [path, { bytes: Buffer.from(after), mode: main?.content.mode ?? '100644' }],
  ]);
  if (row.form === 'bundle') {
    const problems = writeBundle(files, document.spec.files, previous, path);
    if (problems.length > 0) return { problems };
  }
  return confirmed(document, files, previous);
}

/** What was written must say what was meant; a lone surrogate, for one, cannot be written to a file. */
function confirmed(
  document: ResourceDocument,
  files: Map<string, FileContent | null>,
  previous: ResourceFiles,
): { files: Map<string, FileContent | null> } | { problems: Problem[] } {
  const present = [...files].flatMap(([path, content]) => (content ? [[path, content] as const] : []));
  const again = toDocument(new Map(present));
  if ('problems' in again) return again;
  const { files: listed, ...spec } = again.document.spec;
  const meant = document.spec.files === undefined ? { ...again.document, spec } : again.document;
  if (isDeepStrictEqual(withoutUndefined(meant), withoutUndefined(document))) {
    for (const [path, content] of files) {
      const old = previous.get(path);
      if (old && content && old.mode === content.mode && Buffer.from(old.bytes).equals(content.bytes))
        files.set(path, old);
    }
    return { files };
  }
  return { problems: [problem('FIELD_INVALID', 'a value of the document cannot be written to a file')] };
}

/** @param ownerFolder the folder of its project or agent; its usual one when left out */
function pathOf(row: KindRow, { name, project, agent }: ResourceDocument['metadata'], ownerFolder?: string): string {
  const usual = project !== undefined ? `projects/${project}` : agent !== undefined ? `agents/${agent}` : undefined;
  return usualPath(row, usual === undefined ? '' : (ownerFolder ?? usual), name);
}

interface Written {
  apiVersion: unknown;
  kind: unknown;
  metadata: Mapping;
  spec: unknown;
}

function readWritten(
  row: KindRow,
  source: Source,
  files: ResourceFiles,
  path: string,
): Written | { problems: Problem[] } {
  if (isMarkdown(row)) {
    const parts = frontMatterOf(source);
    if ('problems' in parts) return parts;
    const { name, description, labels, annotations, ...spec } = parts.frontMatter;
    const bundle = row.form === 'bundle' ? { files: bundleFiles(files, path) } : {};
    const metadata = { description, labels, annotations };
    return { apiVersion: API_VERSION, kind: row.kind, metadata, spec: { ...spec, content: parts.content, ...bundle } };
  }
  const yaml = parseYaml(source);
  if ('problems' in yaml) return yaml;
  const value = asMapping(yaml.document.value);
  return { apiVersion: value.apiVersion, kind: value.kind, metadata: asMapping(value.metadata), spec: value.spec };
}

/** The envelope as it is written: the path says name and scope, so that only a name that was there is kept. */
function envelopeOf({ apiVersion, kind, metadata, spec }: ResourceDocument, text: string): Mapping {
  const source = decodeSource('', Buffer.from(text));
  const yaml = 'code' in source ? undefined : parseYaml(source);
  const before = asMapping(yaml && 'document' in yaml ? yaml.document.value : undefined);
  const named = Object.hasOwn(asMapping(before.metadata), 'name') ? { name: metadata.name } : {};
  const { name, project, agent, ...rest } = metadata;
  const kept = { ...named, ...withoutUndefined(rest) };
  const empty = Object.keys(kept).length === 0 && !Object.hasOwn(before, 'metadata');
  return { apiVersion, kind, ...(empty ? {} : { metadata: kept }), spec };
}

function mainFile(
  files: ResourceFiles,
): { path: string; content: FileContent; declared: Declared; row: KindRow } | undefined {
  for (const [path, content] of files) {
    const declared = classify(path);
    const row = declared.kind === 'resource' ? findKind(declared.resourceKind) : undefined;
    if (declared.kind === 'resource' && row) return { path, content, declared, row };
  }
  return undefined;
}

function ownerOf(scope: Scope): { project?: string; agent?: string } {
  const [type, name = ''] = scope.split('/');
  if (type === 'project') return { project: name };
  return type === 'agent' ? { agent: name } : {};
}

function isMarkdown({ form }: KindRow): boolean {
  return form === 'markdown' || form === 'bundle';
}

function startsWithMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

function asMapping(value: unknown): Mapping {
  return isMapping(value) ? value : {};
}

function withoutUndefined<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}
