import type { Clock } from '../../../host/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import type { KubeApi } from './api.ts';
import { Deployment, Pod } from './found.ts';
import { marks } from './marks.ts';
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
}

export interface Areas {
  /** Of all areas, by name: each is named after a digest that the project is part of. */
  readonly pods: ReadonlyMap<string, Pod>;
  readonly deployments: ReadonlyMap<string, Deployment>;
  /** @param project none: the one for all. @throws ProblemError KUBE_NAMESPACE_NAME */
  at(project: string | undefined): Area;
  /** Every one that was ever asked for. */
  all(): Area[];
  /** As `at`, for a server that is wanted there. */
  want(project: string | undefined): Area;
  /** The name alone. @throws ProblemError KUBE_NAMESPACE_NAME */
  namespaceOf(project: string | undefined): string;
  /** Look after a project no more, unless something is there, or may be. @returns whether that was so */
  drop(project: string): boolean;
  stop(): void;
}

interface Options {
  api: KubeApi;
  clock: Clock;
  owner: string;
  /** The namespace for all. */
  home: string;
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

const MAX_NAME = 63;

export function createAreas(options: Options): Areas {
  const { api, clock, owner, home, resyncMs } = options;
  const pods = new Map<string, Pod>();
  const deployments = new Map<string, Deployment>();
  const areas = new Map<string | undefined, Area & { stop(): void; isIdle(): boolean }>();
  const wanted = new Set<string | undefined>();

  function namespaceOf(project: string | undefined): string {
    const name = project === undefined ? home : `${home}-${project}`;
    if (name.length <= MAX_NAME) return name;
    const hint = 'Name a shorter namespace by MCPCTL_KUBE_NAMESPACE, or give the project a shorter name.';
    const message = `the namespace of project ${project} would be ${name}, which has more than ${MAX_NAME} characters`;
    throw new ProblemError(problem('KUBE_NAMESPACE_NAME', message, { hint }));
  }

  /** What somebody has copied into another namespace, labels and all, is not taken for ours. */
  function selectorOf(project: string | undefined): string {
    const which = project === undefined ? `!${marks.project}` : `${marks.project}=${project}`;
    return `${marks.owner}=${owner},${which}`;
  }

  function at(project: string | undefined): Area & { stop(): void; isIdle(): boolean } {
    const present = areas.get(project) ?? make(project);
    areas.set(project, present);
    return present;
  }

  function make(project: string | undefined): Area & { stop(): void; isIdle(): boolean } {
    const namespace = namespaceOf(project);
    const given = options.given && project === undefined;
    const common = { api, clock, selector: selectorOf(project), resyncMs };
    let caches: { pods: Cache<Pod>; deployments: Cache<Deployment> } | undefined;
    let shared: Promise<void> | undefined;

    function caching(): { pods: Cache<Pod>; deployments: Cache<Deployment> } {
      caches ??= {
        pods: watchKind({
          ...common,
          path: `/api/v1/namespaces/${namespace}/pods`,
          item: Pod,
          onChange: kept(pods, options.onPod),
          onReturn: options.onReturn,
        }),
        deployments: watchKind({
          ...common,
          path: `/apis/apps/v1/namespaces/${namespace}/deployments`,
          item: Deployment,
          onChange: kept(deployments, options.onDeployment),
          onReturn: () => undefined,
        }),
      };
      return caches;
    }

    function unheard(): unknown {
      return caches && (caches.pods.unheard ?? caches.deployments.unheard);
    }

    return {
      namespace,
      async hear() {
        const { pods: ofPods, deployments: ofDeployments } = caching();
        await Promise.allSettled([ofPods.ready, ofDeployments.ready]);
        const why = unheard();
        if (why !== undefined) throw why;
      },
      async list() {
        const [ofPods, ofDeployments] = await Promise.all([caching().pods.list(), caching().deployments.list()]);
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
      isIdle() {
        const all = caches ? [caches.pods, caches.deployments] : [];
        return all.length > 0 && all.every(one => one.isListed() && one.unheard === undefined && one.items.size === 0);
      },
      stop() {
        caches?.pods.stop();
        caches?.deployments.stop();
      },
    };
  }

  return {
    pods,
    deployments,
    namespaceOf,
    at,
    all: () => [...areas.values()],
    want(project) {
      wanted.add(project);
      return at(project);
    },
    drop(project) {
      const area = areas.get(project);
      if (!area?.isIdle() || wanted.has(project)) return false;
      area.stop();
      areas.delete(project);
      return true;
    },
    stop() {
      for (const area of areas.values()) area.stop();
    },
  };
}

interface Named {
  metadata: { name: string };
}

/** Told on, and kept with those of other namespaces. */
function kept<T extends Named>(
  all: Map<string, T>,
  told: (type: 'set' | 'gone', item: T, first: boolean) => void,
): (type: 'set' | 'gone', item: T, first: boolean) => void {
  return (type, item, first) => {
    if (type === 'set') all.set(item.metadata.name, item);
    else all.delete(item.metadata.name);
    told(type, item, first);
  };
}
