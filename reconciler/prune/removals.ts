import {
  type AnyResource,
  type Catalog,
  compareText,
  type Problem,
  problem,
  type ResourceId,
} from '../../schema/index.ts';
import { counts, keepsItself, overBudget } from './budget.ts';
import { type Emptied, emptiedProjects } from './emptied.ts';
import { findMoves } from './moves.ts';

/** Removals that wait until a person allows them. */
export interface Held {
  commit: string;
  /** What would go out of service, sorted. */
  removes: ResourceId[];
  /** Why it is too much for one commit. */
  because: string[];
}

/** What a commit takes out of service, and what of that is not done. Pure data. */
export interface Removals {
  /** No longer declared, and out of service; sorted. Moves are not among them. */
  removed: ResourceId[];
  /** Declared under another name now, with the same content: id before → id after. */
  moved: ReadonlyMap<ResourceId, ResourceId>;
  /** No longer declared, and in service because it says so. */
  kept: ReadonlyMap<ResourceId, Problem>;
  held?: Held;
}

/** The first judgement: what is not to go, and why. */
export interface Judgement {
  kept: Map<ResourceId, Problem>;
  /** Back to what is in service, each because its removal, or what became of it, waits. */
  held: ResourceId[];
  because: string[];
}

/**
 * Judge what a commit would take out of service. What it leaves out counts, also where something still needs it.
 * @param before what is in service
 * @param declared what the commit declares, be it at its last good revision
 * @param after what the commit would put into service
 * @param allowed a person has allowed this commit's removals
 */
export function judgeRemovals(
  before: Catalog,
  declared: ReadonlyMap<ResourceId, AnyResource>,
  after: Catalog,
  allowed: boolean,
): Judgement {
  const gone = missing(before, declared);
  const moves = movesBetween(gone, before, declared);
  const leaving = gone.filter(({ id }) => !moves.has(id));
  const kept = new Map(leaving.filter(keepsItself).map(({ id, file }) => [id, keptProblem(id, file)]));
  if (allowed) return { kept, held: [], because: [] };
  const removed = leaving.filter(one => counts(one) && !kept.has(one.id));
  const inService = [...before.resources.values()].filter(counts);
  const left = (kind: AnyResource['kind']) =>
    [...declared.values(), ...leaving.filter(({ id }) => kept.has(id))].filter(one => one.kind === kind).length;
  const over = overBudget(inService, removed, left, before.repository?.spec.prune?.max);
  const emptied = emptiedProjects(before, after, moves);
  if (over.length === 0 && emptied.length === 0) return { kept, held: [], because: [] };
  return {
    kept,
    held: [...new Set([...removed.map(({ id }) => id), ...emptied.flatMap(backFor)])].sort(compareText),
    because: [...over, ...emptied.map(({ because }) => because)],
  };
}

/**
 * Judge what a commit leaves out of what was in service before mcpctl itself was replaced, and of which only the names
 * are known: nothing of it could be put back, so that all of the commit waits.
 */
export function judgeFormer(
  former: readonly Pick<AnyResource, 'id' | 'kind'>[],
  after: Catalog,
  commit: string,
): Held | undefined {
  const inService = former.filter(counts);
  const gone = inService.filter(({ id }) => !after.get(id));
  const because = overBudget(inService, gone, kind => after.list(kind).length, after.repository?.spec.prune?.max);
  return because.length === 0 ? undefined : { commit, removes: gone.map(({ id }) => id).sort(compareText), because };
}

/** The last word: what became of the removals, from what is really in service afterwards. */
export function settledRemovals(before: Catalog, after: Catalog, judged: Judgement, commit: string): Removals {
  const gone = missing(before, after.resources).filter(counts);
  const moved = movesBetween(gone, before, after.resources);
  const kept = new Map([...judged.kept].filter(([id]) => after.get(id)));
  const removed = gone.flatMap(({ id }) => (moved.has(id) ? [] : [id])).sort(compareText);
  const removes = judged.held.filter(id => after.get(id)).sort(compareText);
  const held = removes.length > 0 && { commit, removes, because: judged.because };
  return { removed, moved, kept, ...(held && { held }) };
}

/** What is told about one resource whose removal waits. */
export function heldProblem(id: ResourceId, file: string, { commit, because }: Omit<Held, 'removes'>): Problem {
  const message = `held back, with all that ${commit.slice(0, 7)} removes: ${because.join('; ')}`;
  return problem('PRUNE_HELD', message, { at: { file }, resource: id, hint: allowHint(commit) });
}

/** What is told about all of them together. */
export function heldTogether({ removes, because, commit }: Held): Problem {
  const message = `the removals of this commit wait, and ${listed(removes)} stay as they were: ${because.join('; ')}`;
  return problem('PRUNE_HELD', message, { hint: allowHint(commit) });
}

function allowHint(commit: string): string {
  return `An accident: mend the repository. Meant: mcpctl reconcile --allow-prune ${commit}`;
}

function listed(ids: readonly ResourceId[]): string {
  const shown = ids.slice(0, 10).join(', ');
  return ids.length > 10 ? `${shown} and ${ids.length - 10} more` : shown;
}

function keptProblem(id: ResourceId, file: string): Problem {
  const message = `${id} is no longer declared; it stays in service because it says \`prune: never\``;
  return problem('PRUNE_KEPT', message, { at: { file }, resource: id });
}

function missing(before: Catalog, after: ReadonlyMap<ResourceId, AnyResource>): AnyResource[] {
  return [...before.resources.values()].filter(({ id }) => !after.has(id));
}

function movesBetween(
  gone: readonly AnyResource[],
  before: Catalog,
  after: ReadonlyMap<ResourceId, AnyResource>,
): ReadonlyMap<ResourceId, ResourceId> {
  if (gone.length === 0) return new Map();
  return findMoves(
    gone,
    [...after.values()].filter(({ id }) => !before.get(id)),
  );
}

/** A project gets back what it served, as it was: its own list, or the labels it selects by. */
function backFor({ project, members }: Emptied): ResourceId[] {
  return [project, ...members];
}
