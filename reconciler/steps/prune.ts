import { desiredInstances } from '../plan.ts';
import type { StepContext } from './step.ts';

/**
 * End what is ours and nobody wants: what an earlier daemon left, what could not be ended before. At the end of every
 * pass, whatever became of it, as soon as it is known what is wanted. Then look for what was changed behind our back.
 */
export function prune({ state, inventory, service, drift }: StepContext): void {
  const { catalog } = state;
  if (!catalog) return;
  const wanted = new Set(desiredInstances(catalog).map(({ id }) => id));
  inventory.sweep(({ id, server }) => wanted.has(id) || service.looksAfter(id, server));
  drift.look();
}
