import type { StepContext } from './step.ts';

/**
 * End what is ours and nobody wants: what an earlier daemon left, what could not be ended before. At the end of every
 * pass, whatever became of it, as soon as it is known what is wanted. Then look for what was changed behind our back.
 */
export function prune({ state, inventory, service, drift }: StepContext): void {
  if (!state.catalog) return;
  // Not what is declared: which places a server's instances have depends on how they came to be.
  inventory.sweep(({ id, server }) => service.looksAfter(id, server));
  drift.look();
}
