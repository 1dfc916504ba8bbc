import { closest } from './closest.ts';
import type { EnvelopeKind } from './envelope-readers.ts';
import type { Located } from './issues.ts';
import { classify, type Declared } from './layout.ts';
import { checkKind } from './parse.ts';
import { type Problem, problem, sortProblems } from './problem.ts';
import { quoted } from './quote.ts';
import { isMapping } from './read-envelope.ts';
import { checkMarkdown } from './read-markdown.ts';
import { pointer } from './read-patch.ts';
import { checkExtras, checkSkill } from './read-skill.ts';
import type { AnyResource, ParsedFile, Patch, Reference, ResourceId } from './resource.ts';

/** Merge a patch into a value (RFC 7386): mappings member by member, null removes, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMapping(patch)) return patch;
  const result = new Map<string, unknown>(isMapping(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, mergePatch(result.get(key), value));
  }
  return Object.fromEntries(result);
}

/** The environments that a repository has patches for, sorted. */
export function environmentsOf(files: Iterable<ParsedFile>): string[] {
  const names = new Set<string>();
  for (const { path } of files) {
    const declared = path.startsWith('environments/') ? classify(path) : undefined;
    if (declared?.kind === 'patch') names.add(declared.environment);
  }
  return [...names].sort();
}

/**
 * Files as they are in an environment. Every patch is tried, also those of other environments: what is wrong with its
 * result is a problem at the place in the patch. Pure.
 * @param environment whose patches take effect; without one, none does
 */
export function applyEnvironment(files: readonly ParsedFile[], environment: string | undefined): ParsedFile[] {
  const declared = declaredEnvironments(files);
  const known =
    environment === undefined || declared?.includes(environment) || environmentsOf(files).includes(environment);
  const all = tryPatches(files, environment, declared);
  return known ? all : [...all, unknownEnvironment(files, environment)];
}

function tryPatches(
  files: readonly ParsedFile[],
  environment: string | undefined,
  known: readonly string[] | undefined,
): ParsedFile[] {
  if (!files.some(isPatch)) return [...files];
  const bases = new Map<string, ParsedFile>();
  for (const file of files) {
    const key = baseKey(file);
    if (key !== undefined) bases.set(key, file);
  }
  const results = new Map<ParsedFile, ParsedFile>();
  for (const file of files) {
    const declared = isPatch(file) ? classify(file.path) : undefined;
    if (declared?.kind !== 'patch') continue;
    const { target, extras } = declared;
    const chosen = declared.environment === environment;
    const problems = [...file.problems, ...undeclared(declared.environment, file.path, known)];
    const base = bases.get(`${target.id} ${extras}`);
    if (!base) problems.push(matchesNothing(target.id, extras, file.path));
    const before = base && (results.get(base) ?? base);
    const result = before && file.patch && patched(before, file.patch, file.path);
    const errors = problems.filter(({ severity }) => severity === 'error');
    if (chosen && before && base && errors.length > 0) results.set(base, withoutContent(before, errors));
    else if (chosen && base && result) results.set(base, result);
    else if (result && base) problems.push(...added(result.problems, base.problems));
    const patch: Patch = { environment: declared.environment, target: target.id, extras, places: {}, tried: true };
    results.set(file, { ...file, patch, problems: sortProblems(problems) });
  }
  return files.map(file => results.get(file) ?? file);
}

/** A file below `environments/` that was not seen to yet. One that could not even be read has no patch. */
function isPatch({ path, patch }: ParsedFile): boolean {
  return path.startsWith('environments/') && !patch?.tried;
}

/** What a patch that cannot be read is for must not go on as if there were none. */
function withoutContent({ resource: _resource, ...base }: ParsedFile, errors: readonly Problem[]): ParsedFile {
  if (!base.part?.extras) return { ...base, problems: sortProblems([...base.problems, ...errors]) };
  return { ...base, part: { ...base.part, extras: { places: {}, problems: [...errors] } } };
}

/** `<id> <whether it is skill.yaml>` */
function baseKey({ path, id, part }: ParsedFile): string | undefined {
  if (id !== undefined) return `${id} false`;
  const place = part?.extras && classify(path);
  if (place?.kind !== 'part') return undefined;
  const skill = place.scope === 'global' ? '' : `${place.scope}/`;
  return `${skill}skill/${place.name} true`;
}

/** A file with a patch merged in, checked again; the same problems and references as before keep their places. */
function patched(base: ParsedFile, patch: Patch, path: string): ParsedFile | undefined {
  if (patch.value === undefined || base.written === undefined) return undefined;
  const merged = mergePatch(base.written, patch.value);
  const located = patchLocated(merged, patch, path);
  const place = classify(base.path);
  if (place.kind === 'part') {
    if (!base.part) return undefined;
    const declared: Declared = {
      kind: 'resource',
      resourceKind: 'Skill',
      scope: place.scope,
      name: place.name,
      id: patch.target,
    };
    const extras = checkExtras(declared, located, base.path);
    return { ...base, written: merged, part: { ...base.part, extras, patched: merged } };
  }
  if (place.kind !== 'resource') return undefined;
  const { resource, problems, portable } = check(place, located, base, patch);
  const known = base.problems;
  const settled = problems.map(
    one => known.find(other => other.code === one.code && other.message === one.message) ?? one,
  );
  const part = base.part && {
    ...base.part,
    patched: { merged, content: patch.content },
    ...(portable && { portable }),
  };
  return {
    path: base.path,
    oid: base.oid,
    id: place.id,
    ...(resource && {
      resource: { ...resource, references: resource.references.map(one => samePlace(one, base.resource)) },
    }),
    written: merged,
    ...(part && { part }),
    problems: sortProblems(settled.map(one => ({ ...one, resource: place.id }))),
  };
}

function check(
  declared: Declared,
  located: Located,
  base: ParsedFile,
  { content }: Patch,
): { resource?: AnyResource; problems: Problem[]; portable?: Problem[] } {
  const kind = declared.resourceKind;
  const before = base.resource && 'content' in base.resource.spec ? base.resource.spec.content : '';
  const body = { text: content ?? before, offset: 0 };
  if (kind === 'Skill') return checkSkill(declared, located, body, base.path);
  if (kind === 'Prompt') return checkMarkdown(kind, declared, located, body, base.path);
  if (kind === 'Personality') return checkMarkdown(kind, declared, located, body, base.path);
  return checkKind(kind as EnvelopeKind, declared, located, base.path);
}

function samePlace(reference: Reference, base: AnyResource | undefined): Reference {
  const { kind, name, key, scope } = reference;
  return (
    base?.references.find(one => one.kind === kind && one.name === name && one.key === key && one.scope === scope) ??
    reference
  );
}

/** The merged value, of which the patch's own places are known; the rest is at the nearest thing around it. */
function patchLocated(value: unknown, { places }: Patch, file: string): Located {
  const list = Object.entries(places);
  const index = new Map(list.map(([key], at) => [key, at]));
  return {
    source: {
      file,
      position(offset) {
        const place = list[offset >> 1]?.[1];
        const [line, column] = (offset & 1 ? place?.key : place?.value) ?? [1, 1];
        return { file, line, column };
      },
    },
    document: {
      value,
      offset(path, part = 'value') {
        for (let length = path.length; length >= 0; length--) {
          const at = index.get(pointer(path.slice(0, length)));
          if (at !== undefined) return at * 2 + (part === 'key' && length === path.length ? 1 : 0);
        }
        return 0;
      },
    },
  };
}

function added(now: readonly Problem[], before: readonly Problem[]): Problem[] {
  return now.filter(one => !before.some(other => other.code === one.code && other.message === one.message));
}

function declaredEnvironments(files: readonly ParsedFile[]): readonly string[] | undefined {
  const repository = files.find(({ path }) => path === 'mcpctl.yaml')?.resource;
  return repository?.kind === 'Repository' ? repository.spec.environments : undefined;
}

function undeclared(environment: string, path: string, declared: readonly string[] | undefined): Problem[] {
  if (!declared || declared.includes(environment)) return [];
  const meant = closest(environment, declared);
  const hint = meant === undefined ? 'Add it to `environments` in mcpctl.yaml.' : `Did you mean \`${meant}\`?`;
  const message = `mcpctl.yaml has no environment ${quoted(environment)}`;
  return [problem('ENVIRONMENT_UNKNOWN', message, { at: { file: path }, hint })];
}

function matchesNothing(target: ResourceId, extras: boolean, path: string): Problem {
  const what = extras ? `${target} has no skill.yaml` : `there is no ${target}`;
  return problem('PATCH_UNMATCHED', `the patch matches nothing: ${what}`, { at: { file: path, line: 1, column: 1 } });
}

/** A file that does not exist, to carry the problem that an environment was asked for that nobody knows. */
function unknownEnvironment(files: readonly ParsedFile[], environment: string): ParsedFile {
  const known = [...new Set([...environmentsOf(files), ...(declaredEnvironments(files) ?? [])])].sort();
  const meant = closest(environment, known);
  const list = known.length > 0 ? `There are: ${known.join(', ')}.` : 'There is no folder `environments/`.';
  const hint = meant === undefined ? list : `Did you mean \`${meant}\`?`;
  const path = 'environments';
  const message = `there is no environment ${quoted(environment)}`;
  return { path, oid: '', problems: [problem('ENVIRONMENT_UNKNOWN', message, { at: { file: path }, hint })] };
}
