import { type Catalog, type Problem, problem, resourceId } from '../schema/index.ts';
import type { Fleet } from './instances/index.ts';
import type { Runtime, RuntimeEvent } from './runtimes/index.ts';

/** What is done about an instance that somebody changed: told and replaced, or only told. */
export type DriftPolicy = 'correct' | 'report';

/**
 * Follow what happens to instances behind our back. One that ended is started again by who supervises it; one that is
 * there and not as it was started is told, and replaced where that is wanted. A runtime that is back is tried at once.
 * @param options.policy for servers that say nothing themselves
 * @returns the way to stop
 */
export function followDrift(
  runtime: Runtime,
  fleet: Fleet,
  options: { policy: DriftPolicy; catalog(): Catalog | undefined; report(found: Problem): void },
): () => void {
  function changed({ id, reason }: RuntimeEvent): void {
    const name = id.slice(0, id.lastIndexOf('-'));
    const server = options.catalog()?.get(resourceId('Server', 'global', name));
    if (server?.kind !== 'Server') return;
    const correct = (server.spec.drift ?? options.policy) === 'correct';
    const outcome = correct ? 'it is replaced' : 'it is left as it is';
    options.report(problem('INSTANCE_CHANGED', `${id}: ${reason}; ${outcome}`, { resource: server.id }));
    if (correct) fleet.restart(id);
  }

  return runtime.watch(event => {
    if (event.type === 'returned') fleet.retryNow();
    if (event.type === 'changed') changed(event);
  });
}
