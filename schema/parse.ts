import { createHash } from 'node:crypto';
import { contentDigest } from './digest.ts';
import { type EnvelopeKind, envelopeReaders } from './envelope-readers.ts';
import { findFrontMatter } from './front-matter.ts';
import type { Located } from './issues.ts';
import { type Classification, classify, type Declared, EXTRAS_FILE, maxBytes } from './layout.ts';
import { parseLock } from './lock-file.ts';
import { asProblem, type Problem, problem, sortProblems } from './problem.ts';
import { checkEnvelope, type Outcome } from './read-envelope.ts';
import { checkMarkdown } from './read-markdown.ts';
import { readPatch } from './read-patch.ts';
import { checkExtras, checkSkill } from './read-skill.ts';
import { parseRoot } from './release/index.ts';
import { type AnyResource, type BundlePart, type ParsedFile, resourceId } from './resource.ts';
import { decodeSource, type Source } from './source.ts';
import { type FileEntry, refuseUnread } from './unread.ts';
import { parseYaml } from './yaml.ts';

/** More problems than this in one file are not shown. */
const MAX_PROBLEMS = 100;

/** What a file gives besides its path and id. */
type Read = Partial<Pick<ParsedFile, 'resource' | 'written' | 'part' | 'patch'>> & { problems: Problem[] };

/**
 * Parse one file of a commit. Never throws: whatever the bytes, the result is a resource or the reasons why there is
 * none, all at once, each with its position. Bounded in time and memory by `maxBytes` and the limits on YAML.
 */
export function parseFile(file: FileEntry, bytes: Uint8Array): ParsedFile {
  const { path, oid } = file;
  const declared = classify(path);
  const { problems, ...read } = attempt(file, declared, bytes);
  const id = declared.kind === 'resource' ? declared.id : undefined;
  const about = declared.kind === 'patch' ? declared.target.id : id;
  const named = about === undefined ? problems : problems.map(one => ({ ...one, resource: about }));
  const bounded = sortProblems(named).slice(0, MAX_PROBLEMS);
  // What is not valid is no base for a patch, and may hold what must not go further.
  if (read.written !== undefined && !read.resource && !read.part?.extras?.declared) delete read.written;
  return { path, oid, ...(id !== undefined && { id }), ...read, problems: bounded };
}

function attempt(file: FileEntry, declared: Classification, bytes: Uint8Array): Read {
  const refused = refuseUnread(file, bytes.length);
  if (refused.length > 0) return { problems: refused };
  try {
    if (declared.kind === 'root') return { problems: rootProblems(declared.version, file.path, bytes) };
    if (declared.kind === 'part') return readPart(declared, file, bytes);
    if (declared.kind !== 'resource' && declared.kind !== 'patch') return { problems: [] };
    const source = decodeSource(file.path, bytes);
    if ('code' in source) return { problems: [source] };
    return declared.kind === 'patch' ? readPatch(declared, source) : readResource(declared, source, file, bytes);
  } catch (error) {
    return { problems: [{ ...asProblem(error), at: { file: file.path } }] };
  }
}

/** Whether its signatures count is for who verifies the chain; that it is a root of that version is seen here. */
function rootProblems(version: number, path: string, bytes: Uint8Array): Problem[] {
  const parsed = parseRoot(bytes, 'the file');
  if ('problem' in parsed) return [{ ...parsed.problem, at: { file: path } }];
  const { version: said } = parsed.value.signed;
  if (said === version) return [];
  return [problem('ROOT_INVALID', `the file says that it is version ${said}`, { at: { file: path } })];
}

function readResource(declared: Declared, source: Source, file: FileEntry, bytes: Uint8Array): Read {
  const { resourceKind } = declared;
  if (resourceKind === 'Lock') return readLock(declared, source, file.oid, bytes);
  const markdown = resourceKind === 'Prompt' || resourceKind === 'Personality' || resourceKind === 'Skill';
  const parts = markdown ? findFrontMatter(source) : undefined;
  if (parts && 'code' in parts) return { problems: [parts] };
  const yaml = parseYaml(source, parts?.start, parts?.end);
  if ('problems' in yaml) return yaml;
  const located: Located = { source, document: yaml.document };
  const written = yaml.document.value;
  const body = { text: source.text.slice(parts?.body ?? 0), offset: parts?.body ?? 0 };
  if (resourceKind === 'Skill') {
    const { portable, ...outcome } = checkSkill(declared, located, body, source.file);
    return { ...outcome, written: written ?? {}, part: { ...partOf(declared, file, bytes), portable } };
  }
  if (resourceKind === 'Prompt' || resourceKind === 'Personality') {
    return { ...narrow(checkMarkdown(resourceKind, declared, located, body, source.file)), written: written ?? {} };
  }
  return { ...checkKind(resourceKind, declared, located, source.file), written };
}

/** Check a document of any kind that is YAML in an envelope. */
export function checkKind<K extends EnvelopeKind>(
  kind: K,
  declared: Declared,
  located: Located,
  file: string,
): { resource?: AnyResource; problems: Problem[] } {
  return narrow(checkEnvelope(kind, envelopeReaders[kind], declared, located, file));
}

/** What is checked for a kind is of that kind; the compiler does not follow it through the table. */
function narrow({ resource, problems }: Outcome): { resource?: AnyResource; problems: Problem[] } {
  return { ...(resource && { resource: resource as AnyResource }), problems };
}

/** A file of a bundle: whatever is in it counts as it is; `skill.yaml` is read too, in case it is the bundle's own. */
function readPart(
  { scope, name, file: base }: Extract<Classification, { kind: 'part' }>,
  file: FileEntry,
  bytes: Uint8Array,
): Read {
  const part = partOf({ scope }, file, bytes);
  if (base !== EXTRAS_FILE) return { part, problems: [] };
  if (bytes.length > maxBytes('Server')) {
    const message = `the file has ${bytes.length} bytes; a ${EXTRAS_FILE} may have ${maxBytes('Server')}`;
    return {
      part: {
        ...part,
        extras: { places: {}, problems: [problem('FILE_TOO_LARGE', message, { at: { file: file.path } })] },
      },
      problems: [],
    };
  }
  const source = decodeSource(file.path, bytes);
  const yaml = 'code' in source ? { problems: [source] } : parseYaml(source);
  if ('code' in source || 'problems' in yaml) {
    const problems = 'problems' in yaml ? yaml.problems : [];
    return { part: { ...part, extras: { places: {}, problems } }, problems: [] };
  }
  const declared: Declared = {
    kind: 'resource',
    resourceKind: 'Skill',
    scope,
    name,
    id: resourceId('Skill', scope, name),
  };
  const extras = checkExtras(declared, { source, document: yaml.document }, file.path);
  return { part: { ...part, extras }, written: yaml.document.value, problems: [] };
}

function partOf({ scope }: Pick<Declared, 'scope'>, { path, oid, mode }: FileEntry, bytes: Uint8Array): BundlePart {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { scope, file: { path, oid, mode, size: bytes.length, sha256 } };
}

function readLock({ id, scope, name }: Declared, source: Source, oid: string, bytes: Uint8Array): Read {
  const { file } = source;
  const spec = parseLock(source.text, file, oid);
  if (Array.isArray(spec)) return { problems: spec };
  const metadata = { labels: {}, annotations: {} };
  const digest = contentDigest(bytes);
  return { resource: { id, kind: 'Lock', scope, name, metadata, spec, file, digest, references: [] }, problems: [] };
}
