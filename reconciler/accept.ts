import {
  type AnyResource,
  type Catalog,
  link,
  type ParsedFile,
  type Problem,
  problem,
  type ResourceId,
  resourceId,
  sortProblems,
} from '../schema/index.ts';

/** A resource as it was when it was last valid, and the commit that brought that content. */
export interface Good {
  resource: AnyResource;
  commit: string;
}

/** What of a commit is put into service. */
export interface Accepted {
  catalog: Catalog;
  /** For each resource in service: its content and the commit that brought it. Becomes the next `good`. */
  good: ReadonlyMap<ResourceId, Good>;
  /** Resources that the commit declares (or removes) differently from what is in service, and why. */
  stalled: ReadonlyMap<ResourceId, Problem[]>;
  /** Every problem and warning of the commit. */
  problems: Problem[];
}

/** The commit as a whole is refused; what was in service stays. */
export interface Refused {
  refused: Problem[];
}

/**
 * Decide what of a commit goes into service. A resource that is not valid stays at its last good revision, and so
 * does what cannot do without the change; the rest of the commit goes ahead. Pure.
 *
 * @param files every file of the commit
 * @param good what is in service now
 */
export function accept(
  files: Iterable<ParsedFile>,
  good: ReadonlyMap<ResourceId, Good>,
  commit: string,
): Accepted | Refused {
  const { candidates, broken, problems } = sortFiles(files);
  const fatal = refusal(candidates, broken);
  if (fatal) return { refused: fatal };

  const stalled = new Map<ResourceId, Problem[]>();
  for (const [id, why] of broken) stall(id, why);

  // Each round settles at least one more resource at an older state (new → last good → absent), so this ends.
  let linked = link(candidates.values(), broken.keys());
  const seen = new Set<string>(problems.map(identity));
  for (;;) {
    for (const found of linked.problems) {
      if (!seen.has(identity(found))) problems.push(found);
      seen.add(identity(found));
    }
    const errors = linked.problems.filter(found => found.severity === 'error' && found.resource !== undefined);
    errors.push(...needsBroken(candidates, broken));
    let moved = false;
    for (const [id, why] of groupByResource(errors)) moved = stepBack(id, why) || moved;
    if (!moved) break;
    linked = link(candidates.values(), broken.keys());
  }

  return {
    catalog: linked.catalog,
    good: nextGood(candidates, good, commit),
    stalled,
    problems: sortProblems(problems),
  };

  /** Put a resource back to its last good content, a server together with its lock. Returns whether that changed it. */
  function stall(id: ResourceId, why: Problem[]): boolean {
    const lock = lockOf(id);
    const moved = [restore(id), lock !== undefined && restore(lock)].some(Boolean);
    if (moved || broken.has(id) || !good.has(id)) stalled.set(id, stalled.get(id) ?? why);
    return moved;
  }

  function restore(id: ResourceId): boolean {
    const before = candidates.get(id)?.digest;
    const last = good.get(id);
    if (last) candidates.set(id, last.resource);
    else candidates.delete(id);
    return before !== last?.resource.digest;
  }

  /** One step towards a catalog that links. Returns false when nothing is left to do for this resource. */
  function stepBack(id: ResourceId, why: Problem[]): boolean {
    const candidate = candidates.get(id);
    if (!candidate) return false;
    if (stall(id, why)) return true;
    // The content in service does not link either: the commit took away what it needs, so that stays too.
    const needed = missing(candidate, candidates, good);
    for (const target of needed) {
      restore(target);
      stalled.set(target, [stillNeeded(target, candidate)]);
    }
    if (needed.length > 0) return true;
    stalled.set(id, why);
    return candidates.delete(id);
  }
}

/** Parsed resources by id, and ids whose file is broken, with the reasons. */
function sortFiles(files: Iterable<ParsedFile>): {
  candidates: Map<ResourceId, AnyResource>;
  broken: Map<ResourceId, Problem[]>;
  problems: Problem[];
} {
  const candidates = new Map<ResourceId, AnyResource>();
  const broken = new Map<ResourceId, Problem[]>();
  const problems: Problem[] = [];
  const resources: AnyResource[] = [];
  for (const file of files) {
    problems.push(...file.problems);
    if (file.resource) resources.push(file.resource);
    else if (file.id !== undefined) broken.set(file.id, file.problems);
  }
  for (const duplicates of groupById(resources)) {
    const [only, ...others] = duplicates;
    if (!only) continue;
    if (others.length === 0) {
      candidates.set(only.id, only);
      continue;
    }
    const why = link(duplicates).problems.filter(found => found.code === 'DUPLICATE_RESOURCE');
    problems.push(...why);
    broken.set(only.id, why);
  }
  for (const id of broken.keys()) candidates.delete(id);
  // A server whose lock cannot be trusted must not fall back to running without one.
  for (const [id, why] of [...broken]) {
    const server = serverOf(id);
    if (server !== undefined && candidates.delete(server)) broken.set(server, why);
  }
  return { candidates, broken, problems };
}

function refusal(
  candidates: ReadonlyMap<ResourceId, AnyResource>,
  broken: ReadonlyMap<ResourceId, Problem[]>,
): Problem[] | undefined {
  const id = REPOSITORY;
  const why = broken.get(id);
  if (why) return why;
  if (candidates.has(id)) return undefined;
  return [problem('REPOSITORY_MISSING', 'there is no mcpctl.yaml in this commit', { at: { file: 'mcpctl.yaml' } })];
}

/** What a resource refers to that is not there (or is there without the key) but was in service before. */
function missing(
  resource: AnyResource,
  candidates: ReadonlyMap<ResourceId, AnyResource>,
  good: ReadonlyMap<ResourceId, Good>,
): ResourceId[] {
  const ids = resource.references.map(({ kind, name }) => resourceId(kind, 'global', name));
  return [...new Set(ids)].filter(id => {
    const last = good.get(id);
    return last !== undefined && candidates.get(id)?.digest !== last.resource.digest;
  });
}

/** Resources that refer to one whose file is broken and that never had a good revision. */
function needsBroken(
  candidates: ReadonlyMap<ResourceId, AnyResource>,
  broken: ReadonlyMap<ResourceId, Problem[]>,
): Problem[] {
  const lacking = new Set([...broken.keys()].filter(id => !candidates.has(id)));
  if (lacking.size === 0) return [];
  return [...candidates.values()].flatMap(({ id, file, references }) =>
    references
      .map(reference => ({ ...reference, target: resourceId(reference.kind, 'global', reference.name) }))
      .filter(({ target }) => lacking.has(target))
      .map(({ target, line, column }) =>
        problem('REFERENCE_UNRESOLVED', `it needs ${target}, which is not valid`, {
          at: { file, line, column },
          resource: id,
          hint: `mend ${target}`,
        }),
      ),
  );
}

function stillNeeded(target: ResourceId, by: AnyResource): Problem {
  return problem('REFERENCE_UNRESOLVED', `${target} was removed or changed, but ${by.id} still needs it as it was`, {
    at: { file: by.file },
    resource: target,
    hint: `change ${by.file} in the same commit`,
  });
}

function nextGood(
  candidates: ReadonlyMap<ResourceId, AnyResource>,
  good: ReadonlyMap<ResourceId, Good>,
  commit: string,
): Map<ResourceId, Good> {
  const next = new Map<ResourceId, Good>();
  for (const [id, resource] of candidates) {
    const last = good.get(id);
    const same = last?.resource.digest === resource.digest && last.resource.file === resource.file;
    next.set(id, same ? { resource, commit: last.commit } : { resource, commit });
  }
  return next;
}

const REPOSITORY = resourceId('Repository', 'global', 'repository');

function lockOf(id: ResourceId): ResourceId | undefined {
  return id.startsWith('server/') ? `lock/${id.slice('server/'.length)}` : undefined;
}

function serverOf(id: ResourceId): ResourceId | undefined {
  return id.startsWith('lock/') ? `server/${id.slice('lock/'.length)}` : undefined;
}

function groupById(resources: AnyResource[]): AnyResource[][] {
  return [...Map.groupBy(resources, resource => resource.id).values()];
}

function groupByResource(problems: Problem[]): Map<ResourceId, Problem[]> {
  return Map.groupBy(problems, found => found.resource ?? '');
}

function identity(found: Problem): string {
  return JSON.stringify([found.code, found.at, found.message]);
}
