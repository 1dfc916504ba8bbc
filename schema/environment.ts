import { closest } from './closest.ts';
import { classify, EXTRAS_FILE } from './layout.ts';
import { type Problem, problem, sortProblems } from './problem.ts';
import { quoted } from './quote.ts';
import { type ParsedFile, type Patch, type ResourceId, resourceId } from './resource.ts';

/**
 * Merges a patch into a file and checks the result: `schema/patch-file.ts`, handed in, since it brings all that parses
 * with it, which is not needed where every outcome is known.
 * @param path the patch's
 * @returns undefined when one of the two is not valid
 */
export type PatchFile = (base: ParsedFile, patch: Patch, path: string) => ParsedFile | undefined;

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
export function applyEnvironment(
  files: readonly ParsedFile[],
  environment: string | undefined,
  patchFile: PatchFile,
): ParsedFile[] {
  const declared = declaredEnvironments(files);
  const known =
    environment === undefined || declared?.includes(environment) || environmentsOf(files).includes(environment);
  const all = tryPatches(files, environment, declared, patchFile);
  return known ? all : [...all, unknownEnvironment(files, environment)];
}

function tryPatches(
  files: readonly ParsedFile[],
  environment: string | undefined,
  known: readonly string[] | undefined,
  patchFile: PatchFile,
): ParsedFile[] {
  if (!files.some(isPatch)) return [...files];
  const bases = basesOf(files);
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
    const merge = () => before && file.patch && patchFile(before, file.patch, file.path);
    const errors = problems.filter(({ severity }) => severity === 'error');
    if (chosen && before && base && errors.length > 0) results.set(base, withoutContent(before, errors));
    else if (chosen && base) results.set(base, merge() ?? before ?? base);
    else if (base) problems.push(...(knownOutcome(file, base, before) ?? added(merge(), base)));
    const patch: Patch = { environment: declared.environment, target: target.id, extras, places: {}, tried: true };
    results.set(file, { ...file, patch, problems: sortProblems(problems) });
  }
  return files.map(file => results.get(file) ?? file);
}

function basesOf(files: readonly ParsedFile[]): ReadonlyMap<string, ParsedFile> {
  const bases = new Map<string, ParsedFile>();
  for (const file of files) {
    const key = baseKey(file);
    if (key !== undefined) bases.set(key, file);
  }
  return bases;
}

/** A patch and the file that it is for. */
export interface PatchPair {
  file: ParsedFile;
  base: ParsedFile;
}

/** The patches of which it is not known what they make of the files that they are for. */
export function untriedPatches(files: readonly ParsedFile[]): PatchPair[] {
  const patches = files.filter(isPatch);
  if (patches.length === 0) return [];
  const bases = basesOf(files);
  return patches.flatMap(file => {
    const { patch } = file;
    const base = patch && bases.get(`${patch.target} ${patch.extras}`);
    return !base || knownOutcome(file, base, base) ? [] : [{ file, base }];
  });
}

/** A patch with what it makes of its file, so that it need not be tried again while the two are what they are. */
export function withOutcome({ file, base }: PatchPair, patchFile: PatchFile): ParsedFile {
  if (!file.patch) return file;
  const problems = added(patchFile(base, file.patch, file.path), base);
  return { ...file, patch: { ...file.patch, outcome: { over: contentOf(base), problems } } };
}

/**
 * What is wrong with a patch's result, if it was found out for just this file, in which nothing else was merged. What
 * is broken gives no result.
 */
function knownOutcome({ patch }: ParsedFile, base: ParsedFile, before: ParsedFile | undefined): Problem[] | undefined {
  if (patch?.value === undefined || base.written === undefined) return [];
  if (before !== base) return undefined;
  return patch.outcome?.over === contentOf(base) ? patch.outcome.problems : undefined;
}

function contentOf({ path, oid }: ParsedFile): string {
  return `${oid} ${path}`;
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
  return part?.extras && baseKeyOf(path);
}

function baseKeyOf(path: string): string | undefined {
  const place = classify(path);
  if (place.kind === 'resource') return `${place.id} false`;
  if (place.kind !== 'part' || place.file !== EXTRAS_FILE) return undefined;
  return `${resourceId('Skill', place.scope, place.name)} true`;
}

/** Says which of some files have patches among the others: what they say is needed, not only what it means. */
export function patchedFiles(paths: Iterable<string>): (path: string) => boolean {
  const targets = new Set<string>();
  for (const path of paths) {
    const declared = path.startsWith('environments/') ? classify(path) : undefined;
    if (declared?.kind === 'patch') targets.add(`${declared.target.id} ${declared.extras}`);
  }
  return path => targets.size > 0 && targets.has(baseKeyOf(path) ?? '');
}

/** The problems that a patch brings with it. */
function added(result: ParsedFile | undefined, base: ParsedFile): Problem[] {
  const isNew = (one: Problem) =>
    !base.problems.some(other => other.code === one.code && other.message === one.message);
  return result?.problems.filter(isNew) ?? [];
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
