import { contentDigest } from './digest.ts';
import { type EnvelopeKind, envelopeReaders } from './envelope-readers.ts';
import type { Located } from './issues.ts';
import type { Classification, Declared } from './layout.ts';
import { parseLock } from './lock-file.ts';
import { parseAs, type Read, readPart, readSkill, readText } from './parse-skill.ts';
import { type Problem, problem } from './problem.ts';
import { checkEnvelope, type Outcome } from './read-envelope.ts';
import { checkMarkdown } from './read-markdown.ts';
import { readPatch } from './read-patch.ts';
import { parseRoot } from './release/index.ts';
import type { AnyResource, ParsedFile } from './resource.ts';
import { decodeSource, type Source } from './source.ts';
import type { FileEntry } from './unread.ts';

/**
 * Parse one file of a commit. Never throws: whatever the bytes, the result is a resource or the reasons why there is
 * none, all at once, each with its position. Bounded in time and memory by `maxBytes` and the limits on YAML.
 */
export function parseFile(file: FileEntry, bytes: Uint8Array): ParsedFile {
  return parseAs(attempt, file, bytes);
}

function attempt(file: FileEntry, declared: Classification, bytes: Uint8Array): Read {
  if (declared.kind === 'root') return { problems: rootProblems(declared.version, file.path, bytes) };
  if (declared.kind === 'part') return readPart(declared, file, bytes);
  if (declared.kind !== 'resource' && declared.kind !== 'patch') return { problems: [] };
  const source = decodeSource(file.path, bytes);
  if ('code' in source) return { problems: [source] };
  return declared.kind === 'patch' ? readPatch(declared, source) : readResource(declared, source, file, bytes);
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
  if (resourceKind === 'Skill') return readSkill(declared, source, file, bytes);
  const found = readText(source, resourceKind === 'Prompt' || resourceKind === 'Personality');
  if ('problems' in found) return found;
  const { located, body } = found;
  const written = located.document.value;
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

function readLock({ id, scope, name }: Declared, source: Source, oid: string, bytes: Uint8Array): Read {
  const { file } = source;
  const spec = parseLock(source.text, file, oid);
  if (Array.isArray(spec)) return { problems: spec };
  const metadata = { labels: {}, annotations: {} };
  const digest = contentDigest(bytes);
  return { resource: { id, kind: 'Lock', scope, name, metadata, spec, file, digest, references: [] }, problems: [] };
}
