import {
  type AnyResource,
  type Catalog,
  compareText,
  link,
  type ParsedFile,
  type Problem,
  problem,
  type ResourceId,
  resourceId,
  sortProblems,
  targetOf,
} from '../schema/index.ts';
import { displaced, heldProblem, heldTogether, judgeRemovals, type Removals, settledRemovals } from './prune/index.ts';

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
  /** What goes out of service with this commit, and what of it does not. */
  removals: Removals;
  /** Every problem and warning of the commit. */
  problems: Problem[];
}

export interface AcceptOptions {
  /** What is in service, linked, where that is known already. */
  before?: Catalog | undefined;
  /** Servers that somebody has suspended: they stay as they are. */
  suspended?: ReadonlySet<ResourceId>;
  /** What is refused of each resource beyond the ordinary. */
  strict?: (resource: AnyResource, get: (id: ResourceId) => AnyResource | undefined) => Problem[];
  /** A person has allowed what this commit removes, however much it is. */
  allowPrune?: boolean;
}

/** The commit as a whole is refused; what was in service stays. */
export interface Refused {
  refused: Problem[];
}

/**
 * Decide what of a commit goes into service. A resource that is not valid stays at its last good revision, and so
 * does what cannot do without the change; the rest of the commit goes ahead. Pure.
 *
 * @param assembled every file of the commit, by `assemble`: an environment that the repository does not have refuses it
 * @param good what is in service now
 */
export function accept(
  assembled: readonly ParsedFile[],
  good: ReadonlyMap<ResourceId, Good>,
  commit: string,
  options: AcceptOptions = {},
): Accepted | Refused {
  const { candidates, broken, problems } = sortFiles(assembled);
  refuse(options.strict, candidates, broken, problems);
  const elsewhere = problems.filter(({ code, at }) => code === 'ENVIRONMENT_UNKNOWN' && at?.file === 'environments');
  const fatal = refusal(candidates, broken, good) ?? (elsewhere.length > 0 ? elsewhere : undefined);
  if (fatal) return { refused: fatal };

  const stalled = new Map<ResourceId, Problem[]>();
  for (const id of options.suspended ?? []) {
    if (!good.has(id)) continue;
    restore(id);
    for (const part of [id, lockOf(id)]) if (part !== undefined) broken.delete(part);
  }
  const missing = [...good.values()].flatMap(({ resource }) => (candidates.has(resource.id) ? [] : [resource]));
  for (const [id, why] of displaced(missing, assembled)) if (!broken.has(id)) broken.set(id, [why]);
  for (const [id, why] of broken) stall(id, why);

  const seen = new Set<string>(problems.map(identity));
  const declared = new Map(candidates);
  let catalog = untilItFits();
  const before = options.before ?? link([...good.values()].map(({ resource }) => resource)).catalog;
  const judged = judgeRemovals(before, declared, catalog, options.allowPrune === true);
  const held = holdBack();
  if (judged.kept.size + held.length > 0) catalog = untilItFits();
  const removals = settledRemovals(before, catalog, { ...judged, held }, commit);
  // Of removals that wait, there may be as many as there are resources: they are told in one.
  const settled = [...stalled.values()].flat().filter(({ code }) => code !== 'PRUNE_HELD');
  const waiting = removals.held ? [heldTogether(removals.held)] : [];

  return {
    catalog,
    good: nextGood(candidates, good, commit),
    stalled,
    removals,
    problems: sortProblems([...problems, ...settled, ...removals.kept.values(), ...waiting]),
  };

  /**
   * Link until all of it fits. Each round settles at least one more resource at an older state (new → last good →
   * absent), so this ends. What is new gives way first, so that the order of the files decides nothing.
   */
  function untilItFits(): Catalog {
    for (;;) {
      const linked = link(candidates.values(), broken.keys());
      for (const found of linked.problems) {
        if (!seen.has(identity(found))) problems.push(found);
        seen.add(identity(found));
      }
      const errors = linked.problems.filter(found => found.severity === 'error' && found.resource !== undefined);
      const failing = groupByResource([...errors, ...needsBroken(candidates, broken)]);
      if (!stepBack(failing) && !keepNeeded(failing)) return linked.catalog;
    }
  }

  /** Put back what must not go. @returns what of it waits for a person */
  function holdBack(): ResourceId[] {
    for (const id of judged.kept.keys()) restore(id);
    return judged.held.filter(id => {
      const file = good.get(id)?.resource.file ?? id;
      // A project's servers may be there as before, when it was the project that let go of them.
      if (!restore(id) && !id.startsWith('project/')) return false;
      stalled.set(id, stalled.get(id) ?? [heldProblem(id, file, { commit, because: judged.because })]);
      return true;
    });
  }

  /** Put a resource back to its last good content. Returns whether that changed it. */
  function stall(id: ResourceId, why: Problem[]): boolean {
    const moved = restore(id);
    if (moved || broken.has(id) || !good.has(id)) stalled.set(id, stalled.get(id) ?? why);
    return moved;
  }

  /** A server goes back together with its lock: one never runs with what was reviewed for the other. */
  function restore(id: ResourceId): boolean {
    const lock = lockOf(id);
    return [restoreOne(id), lock !== undefined && restoreOne(lock)].some(Boolean);
  }

  function restoreOne(id: ResourceId): boolean {
    const before = candidates.get(id)?.digest;
    const last = good.get(id);
    if (last) candidates.set(id, last.resource);
    else candidates.delete(id);
    return before !== last?.resource.digest;
  }

  /** Whatever does not fit goes back to its last good content. Returns false when all of it is there already. */
  function stepBack(failing: ReadonlyMap<ResourceId, Problem[]>): boolean {
    return [...failing].map(([id, why]) => candidates.has(id) && stall(id, why)).some(Boolean);
  }

  /** What is in service and does not fit any more lost something that it needs: that stays too, or else it goes. */
  function keepNeeded(failing: ReadonlyMap<ResourceId, Problem[]>): boolean {
    const lost = [...failing].flatMap(([id, why]) => {
      const resource = candidates.get(id);
      return resource ? [{ resource, why, targets: lostNeeds(resource, candidates, good) }] : [];
    });
    for (const { resource, why, targets } of lost) {
      for (const target of targets) {
        restore(target);
        stalled.set(target, stalled.get(target) ?? [stillNeeded(target, resource)]);
      }
      if (targets.length > 0) continue;
      stalled.set(resource.id, stalled.get(resource.id) ?? why);
      candidates.delete(resource.id);
    }
    return lost.length > 0;
  }
}

function refuse(
  strict: AcceptOptions['strict'],
  candidates: Map<ResourceId, AnyResource>,
  broken: Map<ResourceId, Problem[]>,
  problems: Problem[],
): void {
  if (!strict) return;
  const found = [...candidates.values()].map(
    resource => [resource.id, strict(resource, id => candidates.get(id))] as const,
  );
  for (const [id, why] of found) {
    if (why.length === 0) continue;
    problems.push(...why);
    broken.set(id, why);
    candidates.delete(id);
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
    else if (file.id !== undefined) {
      broken.set(file.id, sortProblems([...(broken.get(file.id) ?? []), ...file.problems]));
    }
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

/** Why a commit is taken for an accident, or for another repository's: then nothing of it may remove anything. */
function refusal(
  candidates: ReadonlyMap<ResourceId, AnyResource>,
  broken: ReadonlyMap<ResourceId, Problem[]>,
  good: ReadonlyMap<ResourceId, Good>,
): Problem[] | undefined {
  const why = broken.get(REPOSITORY);
  if (why) return why;
  const now = candidates.get(REPOSITORY);
  const before = good.get(REPOSITORY)?.resource;
  const at = { file: 'mcpctl.yaml' };
  if (now?.kind !== 'Repository') {
    return [problem('REPOSITORY_MISSING', 'there is no mcpctl.yaml in this commit', { at })];
  }
  if (before?.kind !== 'Repository' || before.spec.id === now.spec.id) return undefined;
  const message = `this is the repository \`${now.spec.id}\`, but what is in service came from \`${before.spec.id}\``;
  return [problem('REPOSITORY_OTHER', message, { at })];
}

/** Something that a resource cannot do without. */
interface Need {
  target: ResourceId;
  key?: string;
  /** Where the resource's file (or the one named) says so. */
  file?: string;
  line: number;
  column: number;
}

function needsOf({ scope, references }: AnyResource): Need[] {
  const needs: Need[] = references.map(reference => {
    const { key, file, line, column } = reference;
    return {
      target: targetOf(reference),
      ...(key !== undefined && { key }),
      ...(file !== undefined && { file }),
      line,
      column,
    };
  });
  if (scope !== 'global') needs.push({ target: scope, line: 1, column: 1 });
  return needs;
}

function satisfies(target: AnyResource | undefined, { key }: Need): boolean {
  if (!target) return false;
  return key === undefined || (target.kind === 'Secret' && Object.hasOwn(target.spec.data, key));
}

/** What a resource needs that the commit took away, and that its last good content would give. */
function lostNeeds(
  resource: AnyResource,
  candidates: ReadonlyMap<ResourceId, AnyResource>,
  good: ReadonlyMap<ResourceId, Good>,
): ResourceId[] {
  const lost = needsOf(resource).filter(
    need => !satisfies(candidates.get(need.target), need) && satisfies(good.get(need.target)?.resource, need),
  );
  return [...new Set(lost.map(({ target }) => target))].sort(compareText);
}

/** Resources that need one whose file is broken and that never had a good revision. */
function needsBroken(
  candidates: ReadonlyMap<ResourceId, AnyResource>,
  broken: ReadonlyMap<ResourceId, Problem[]>,
): Problem[] {
  const lacking = new Set([...broken.keys()].filter(id => !candidates.has(id)));
  if (lacking.size === 0) return [];
  return [...candidates.values()].flatMap(resource =>
    needsOf(resource)
      .filter(({ target }) => lacking.has(target))
      .map(({ target, file = resource.file, line, column }) =>
        problem('REFERENCE_UNRESOLVED', `it needs ${target}, which is not valid`, {
          at: { file, line, column },
          resource: resource.id,
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
