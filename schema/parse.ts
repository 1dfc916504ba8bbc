import { contentDigest } from './digest.ts';
import { envelope } from './kinds/envelope.ts';
import { Project, Repository, Secret, Server } from './kinds/index.ts';
import { type Classification, classify, type Declared, layoutProblem, maxBytes } from './layout.ts';
import { parseLock } from './lock-file.ts';
import { asProblem, type Problem, problem, sortProblems } from './problem.ts';
import { quoted } from './quote.ts';
import { type EnvelopeReader, type Outcome, readEnvelope } from './read-envelope.ts';
import { readPrompt } from './read-prompt.ts';
import { projectReferences, serverReferences } from './references.ts';
import type { AnyResource, ParsedFile } from './resource.ts';
import { checkServer } from './rules.ts';
import { decodeSource, type Source } from './source.ts';

/** A file as git has it. */
export interface FileEntry {
  /** Path below the repository's root folder, `/`-separated. */
  path: string;
  oid: string;
  /** git's octal mode: `100644`, `100755`; `120000` is a symbolic link, `160000` a submodule. */
  mode: string;
}

/** More problems than this in one file are not shown. */
const MAX_PROBLEMS = 100;

const repository: EnvelopeReader<'Repository'> = { kind: 'Repository', schema: envelope(Repository) };
const secret: EnvelopeReader<'Secret'> = { kind: 'Secret', schema: envelope(Secret) };
const project: EnvelopeReader<'Project'> = {
  kind: 'Project',
  schema: envelope(Project),
  references: projectReferences,
};
const server: EnvelopeReader<'Server'> = {
  kind: 'Server',
  schema: envelope(Server),
  rules: checkServer,
  references: serverReferences,
};

/**
 * Parse one file of a commit. Never throws: whatever the bytes, the result is a resource or the reasons why there is
 * none, all at once, each with its position. Bounded in time and memory by `maxBytes` and the limits on YAML.
 */
export function parseFile(file: FileEntry, bytes: Uint8Array): ParsedFile {
  const { path, oid } = file;
  const declared = classify(path);
  const { resource, problems } = attempt(file, declared, bytes);
  if (declared.kind !== 'resource') return { path, oid, problems };
  const { id } = declared;
  const named = sortProblems(problems.map(one => ({ ...one, resource: id }))).slice(0, MAX_PROBLEMS);
  return { path, oid, id, ...(resource && { resource }), problems: named };
}

/**
 * What refuses a file before its blob is read: its place, its mode or its size.
 * @returns for a resource, an empty list means that it may be read; what is no resource need not be read
 */
export function refuseUnread({ path, mode }: Omit<FileEntry, 'oid'>, size: number): Problem[] {
  const declared = classify(path);
  if (declared.kind === 'ignored') return [];
  const resource = declared.kind === 'resource' ? { resource: declared.id } : {};
  if (declared.kind !== 'later' && !mode.startsWith('100')) {
    const what = mode === '160000' ? 'a submodule' : mode === '120000' ? 'a symbolic link' : 'not a regular file';
    return [problem('FILE_NOT_REGULAR', `${quoted(path)} is ${what}`, { at: { file: path }, ...resource })];
  }
  const misplaced = layoutProblem(declared);
  if (misplaced || declared.kind !== 'resource') return misplaced ? [misplaced] : [];
  const max = maxBytes[declared.resourceKind];
  if (size <= max) return [];
  const message = `the file has ${size} bytes; a ${declared.resourceKind} may have ${max}`;
  return [problem('FILE_TOO_LARGE', message, { at: { file: path }, ...resource })];
}

function attempt(
  file: FileEntry,
  declared: Classification,
  bytes: Uint8Array,
): { resource?: AnyResource; problems: Problem[] } {
  const refused = refuseUnread(file, bytes.length);
  if (refused.length > 0 || declared.kind !== 'resource') return { problems: refused };
  try {
    const source = decodeSource(file.path, bytes);
    return 'code' in source ? { problems: [source] } : read(declared, source, file.oid, bytes);
  } catch (error) {
    return { problems: [{ ...asProblem(error), at: { file: file.path } }] };
  }
}

function read(
  declared: Declared,
  source: Source,
  oid: string,
  bytes: Uint8Array,
): { resource?: AnyResource; problems: Problem[] } {
  switch (declared.resourceKind) {
    case 'Repository':
      return readEnvelope(repository, declared, source);
    case 'Server':
      return readEnvelope(server, declared, source);
    case 'Project':
      return readEnvelope(project, declared, source);
    case 'Secret':
      return readEnvelope(secret, declared, source);
    case 'Prompt':
      return readPrompt(declared, source);
    case 'Lock':
      return readLock(declared, source, oid, bytes);
  }
}

function readLock({ id, scope, name }: Declared, source: Source, oid: string, bytes: Uint8Array): Outcome<'Lock'> {
  const { file } = source;
  const spec = parseLock(source.text, file, oid);
  if (Array.isArray(spec)) return { problems: spec };
  const metadata = { labels: {}, annotations: {} };
  const digest = contentDigest(bytes);
  return { resource: { id, kind: 'Lock', scope, name, metadata, spec, file, digest, references: [] }, problems: [] };
}
