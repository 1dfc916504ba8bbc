import type { Catalog } from '../schema/index.ts';
import type { DesiredInstance } from './plan.ts';

/**
 * Which catalog an instance is made from: the newest one in which its server has that spec. An instance that is kept
 * though its server has changed is started again from what it was made of.
 */
export interface Sources {
  /** Another catalog is in service. @param stillUsed digests of a server's specs that are wanted or run */
  use(catalog: Catalog, wanted: Iterable<DesiredInstance>, stillUsed: (server: string) => readonly string[]): void;
  /** What an earlier daemon has kept. */
  keep(desired: DesiredInstance, catalog: Catalog): void;
  /** @throws Error when there never was one */
  of(desired: DesiredInstance): Catalog;
}

export function createSources(): Sources {
  let catalogs = new Map<string, Map<string, Catalog>>();
  return {
    use(catalog, wanted, stillUsed) {
      const next = new Map<string, Map<string, Catalog>>();
      for (const [server, bySpec] of catalogs) {
        const used = stillUsed(server);
        const kept = [...bySpec].filter(([digest]) => used.includes(digest));
        if (kept.length > 0) next.set(server, new Map(kept));
      }
      for (const { server, specDigest } of wanted) {
        const bySpec = next.get(server) ?? new Map<string, Catalog>();
        next.set(server, bySpec.set(specDigest, catalog));
      }
      catalogs = next;
    },
    keep({ server, specDigest }, catalog) {
      const bySpec = catalogs.get(server) ?? new Map<string, Catalog>();
      catalogs.set(server, bySpec.set(specDigest, catalog));
    },
    of({ server, specDigest }) {
      const catalog = catalogs.get(server)?.get(specDigest);
      if (!catalog) throw new Error(`no catalog has ${server} as it is wanted`);
      return catalog;
    },
  };
}
