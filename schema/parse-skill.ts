import { createHash } from 'node:crypto';
import type { Body } from './check-prompt.ts';
import { findFrontMatter } from './front-matter.ts';
import type { Located } from './issues.ts';
import { type Classification, classify, type Declared, EXTRAS_FILE, maxBytes } from './layout.ts';
import { asProblem, type Problem, problem, sortProblems } from './problem.ts';
import { checkExtras, checkSkill } from './read-skill.ts';
import { type BundlePart, type ParsedFile, resourceId } from './resource.ts';
import { decodeSource, type Source } from './source.ts';
import { type FileEntry, refuseUnread } from './unread.ts';
import { parseYaml } from './yaml.ts';

/** More problems than this in one file are not shown. */
const MAX_PROBLEMS = 100;

/** What a file gives besides its path and id. */
export type Read = Partial<Pick<ParsedFile, 'resource' | 'written' | 'part' | 'patch'>> & { problems: Problem[] };

/** Parse a file of a skill's bundle, as `parseFile` does: of all schemas only a skill's is loaded. */
export function parseSkillFile(file: FileEntry, bytes: Uint8Array): ParsedFile {
  return parseAs(
    (_file, declared) => {
      if (declared.kind === 'part') return readPart(declared, file, bytes);
      if (declared.kind !== 'resource' || declared.resourceKind !== 'Skill') return { problems: [] };
      const source = decodeSource(file.path, bytes);
      return 'code' in source ? { problems: [source] } : readSkill(declared, source, file, bytes);
    },
    file,
    bytes,
  );
}

/** What any file gives, by what reads it: bounded, sorted, and whatever happens a result. */
export function parseAs(
  read: (file: FileEntry, declared: Classification, bytes: Uint8Array) => Read,
  file: FileEntry,
  bytes: Uint8Array,
): ParsedFile {
  const { path, oid } = file;
  const declared = classify(path);
  const { problems, ...found } = attempt();
  const id = declared.kind === 'resource' ? declared.id : undefined;
  const about = declared.kind === 'patch' ? declared.target.id : id;
  const named = about === undefined ? problems : problems.map(one => ({ ...one, resource: about }));
  const bounded = sortProblems(named).slice(0, MAX_PROBLEMS);
  // What is not valid is no base for a patch, and may hold what must not go further.
  if (found.written !== undefined && !found.resource && !found.part?.extras?.declared) delete found.written;
  return { path, oid, ...(id !== undefined && { id }), ...found, problems: bounded };

  function attempt(): Read {
    const refused = refuseUnread(file, bytes.length);
    if (refused.length > 0) return { problems: refused };
    try {
      return read(file, declared, bytes);
    } catch (error) {
      return { problems: [{ ...asProblem(error), at: { file: path } }] };
    }
  }
}

/** A document's YAML and what stands behind it. @param markdown the YAML is front matter */
export function readText(
  source: Source,
  markdown: boolean,
): { located: Located; body: Body } | { problems: Problem[] } {
  const parts = markdown ? findFrontMatter(source) : undefined;
  if (parts && 'code' in parts) return { problems: [parts] };
  const yaml = parseYaml(source, parts?.start, parts?.end);
  if ('problems' in yaml) return yaml;
  const start = parts?.body ?? 0;
  return { located: { source, document: yaml.document }, body: { text: source.text.slice(start), offset: start } };
}

/** A bundle's `SKILL.md`. */
export function readSkill(declared: Declared, source: Source, file: FileEntry, bytes: Uint8Array): Read {
  const found = readText(source, true);
  if ('problems' in found) return found;
  const { located, body } = found;
  const { portable, ...outcome } = checkSkill(declared, located, body, source.file);
  return { ...outcome, written: located.document.value ?? {}, part: { ...partOf(declared, file, bytes), portable } };
}

/** A file of a bundle: whatever is in it counts as it is; `skill.yaml` is read too, in case it is the bundle's own. */
export function readPart(
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
