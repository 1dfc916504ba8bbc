import type { AnyResource, Kind, Repository } from '../../schema/index.ts';

/** However few there are, so many may go at once. */
const LEAST = 3;
const SHARE = 0.1;

/** From so many on, all of a sort going at once is taken for an accident, whatever the budget. */
export const SEVERAL = 2;

type Max = NonNullable<Repository['prune']>['max'];

/** How many of `count` things a commit may take out of service. */
function budget(max: Max, count: number): number {
  if (typeof max === 'number') return max;
  if (max !== undefined) return Math.floor((Number.parseInt(max, 10) / 100) * count);
  return Math.max(LEAST, Math.floor(SHARE * count));
}

/** A lock comes and goes with its server; `mcpctl.yaml` refuses the commit when it goes. */
export function counts({ kind }: Pick<AnyResource, 'kind'>): boolean {
  return kind !== 'Lock' && kind !== 'Repository';
}

/**
 * Why a commit takes too much out of service; empty when it does not. Counted are resources, for each kind by itself
 * and for all together; a kind of which nothing would be left is too much as well.
 * @param inService everything in service that counts
 * @param removed what of it the commit takes out, moves left aside
 * @param left how many of a kind would still be in service
 */
export function overBudget(
  inService: readonly Pick<AnyResource, 'kind'>[],
  removed: readonly Pick<AnyResource, 'kind'>[],
  left: (kind: Kind) => number,
  max: Max,
): string[] {
  if (removed.length === 0) return [];
  const present = Map.groupBy(inService, ({ kind }) => kind);
  const why: string[] = [];
  for (const [kind, gone] of Map.groupBy(removed, resource => resource.kind)) {
    const count = present.get(kind)?.length ?? 0;
    const allowed = budget(max, count);
    const what = `it removes ${gone.length} of ${count} resources of kind ${kind}`;
    if (count >= SEVERAL && left(kind) === 0) why.push(`${what}, which leaves none`);
    else if (gone.length > allowed) why.push(`${what}, and ${allowed} may go at once`);
  }
  const allowed = budget(max, inService.length);
  if (why.length === 0 && removed.length > allowed) {
    why.push(`it removes ${removed.length} of ${inService.length} resources, and ${allowed} may go at once`);
  }
  return why;
}

/** Whether a resource stays in service when it is no longer declared: only what says `auto`, or nothing, goes. */
export function keepsItself({ kind, spec, metadata }: AnyResource): boolean {
  const { annotations, labels } = metadata;
  const own = kind === 'Server' ? spec.prune : undefined;
  return [own, annotations[PRUNE_KEY], labels[PRUNE_KEY]].some(said => said !== undefined && said !== 'auto');
}

/** An annotation, or a label, since the front matter of a prompt has only those. */
const PRUNE_KEY = 'mcpctl.dev/prune';
