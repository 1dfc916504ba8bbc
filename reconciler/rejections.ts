import { type AnyResource, type Catalog, link, type ResourceId, resourceId, targetOf } from '../schema/index.ts';
import type { Rejection, RejectionRecords } from './instances/index.ts';
import type { Sources } from './sources.ts';

/** A rejection with the resources that the kept spec is made of, as the state directory has it. */
export interface KeptRejection extends Rejection {
  resources: AnyResource[];
}

export interface KeptRejectionRecords {
  get(server: string): KeptRejection | undefined;
  put(server: string, rejection: KeptRejection): void;
  delete(server: string): void;
}

/**
 * Remembers what a kept spec is made of, since no commit that is in service has it any more: without that, a daemon that is
 * started again would have nothing but the spec that never got ready.
 */
export function createRejections(records: KeptRejectionRecords, sources: Sources): RejectionRecords {
  return {
    get(server) {
      const found = records.get(server);
      if (!found) return undefined;
      const { resources, ...rejection } = found;
      const { catalog } = link(resources);
      if (!catalog.get(resourceId('Server', 'global', server))) return undefined;
      sources.keep(rejection.kept, catalog);
      return rejection;
    },
    put(server, rejection) {
      records.put(server, { ...rejection, resources: partsOf(sources.of(rejection.kept), server) });
    },
    delete: records.delete,
  };
}

/** A server, and all that it cannot be started without. */
function partsOf(catalog: Catalog, server: string): AnyResource[] {
  const parts = new Map<ResourceId, AnyResource>();
  const add = (id: ResourceId) => {
    const resource = catalog.get(id);
    if (!resource || parts.has(id)) return;
    parts.set(id, resource);
    // Other servers are waited for, whatever they are made of by now.
    if (resource.kind === 'Server' && resource.name !== server) return;
    for (const reference of resource.references) if (reference.kind !== 'Server') add(targetOf(reference));
  };
  add(resourceId('Server', 'global', server));
  add(resourceId('Lock', 'global', server));
  if (catalog.repository) add(catalog.repository.id);
  return [...parts.values()];
}
