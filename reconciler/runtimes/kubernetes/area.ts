import type { Clock } from '../../../host/index.ts';
import type { KubeApi } from './api.ts';
import { Deployment, Pod } from './found.ts';
import { ensureShared } from './namespace.ts';
import { type Cache, watchKind } from './watch.ts';

/** A namespace in which servers run: the one for all, or that of a project. */
export interface Area {
  namespace: string;
  /** Settles when it is known what is there; throws when that cannot be known, now or any more. It is tried further. */
  hear(): Promise<void>;
  /** What there is now, as the API says. */
  list(): Promise<{ pods: Pod[]; deployments: Deployment[] }>;
  /** Have what all its servers share. */
  share(): Promise<void>;
  /** That may be there no more: look again at the next time. */
  doubt(): void;
  /** It is known that nothing is there. */
  isEmpty(): boolean;
  stop(): void;
}

export interface AreaOptions {
  api: KubeApi;
  clock: Clock;
  owner: string;
  namespace: string;
  /** Of what is ours in it. */
  selector: string;
  /** It was named by hand, and may be anybody's. */
  given: boolean;
  /** This process may make what is shared. */
  leads: boolean;
  resyncMs: number;
  /** @param first it was there when this process first looked */
  onPod(type: 'set' | 'gone', pod: Pod, first: boolean): void;
  onDeployment(type: 'set' | 'gone', deployment: Deployment, first: boolean): void;
  onReturn(): void;
}

/** Nothing is asked before the first `hear`. */
export function createArea(options: AreaOptions): Area {
  const { api, owner, namespace, given } = options;
  let caches: { pods: Cache<Pod>; deployments: Cache<Deployment> } | undefined;
  let shared: Promise<void> | undefined;

  function watching(): { pods: Cache<Pod>; deployments: Cache<Deployment> } {
    caches ??= {
      pods: watchKind({
        ...options,
        path: `/api/v1/namespaces/${namespace}/pods`,
        item: Pod,
        onChange: options.onPod,
      }),
      deployments: watchKind({
        ...options,
        path: `/apis/apps/v1/namespaces/${namespace}/deployments`,
        item: Deployment,
        onChange: options.onDeployment,
        // Once for both is enough.
        onReturn: () => undefined,
      }),
    };
    return caches;
  }

  return {
    namespace,
    async hear() {
      const { pods, deployments } = watching();
      await Promise.allSettled([pods.ready, deployments.ready]);
      const why = pods.unheard ?? deployments.unheard;
      if (why !== undefined) throw why;
    },
    async list() {
      const { pods, deployments } = watching();
      const [ofPods, ofDeployments] = await Promise.all([pods.list(), deployments.list()]);
      return { pods: ofPods, deployments: ofDeployments };
    },
    share() {
      // Who only reads may not look at the namespace itself.
      if (!options.leads) return Promise.resolve();
      shared ??= ensureShared(api, { owner, namespace, given }).catch((error: unknown) => {
        shared = undefined;
        throw error;
      });
      return shared;
    },
    doubt() {
      shared = undefined;
    },
    isEmpty() {
      const all = caches ? [caches.pods, caches.deployments] : [];
      return all.length > 0 && all.every(one => one.isListed() && one.unheard === undefined && one.items.size === 0);
    },
    stop() {
      caches?.pods.stop();
      caches?.deployments.stop();
    },
  };
}
