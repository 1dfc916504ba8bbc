import { ProblemError, problem } from '../../../schema/index.ts';
import { type Area, type AreaOptions, createArea } from './area.ts';
import type { Deployment, Pod } from './found.ts';
import { marks } from './marks.ts';

/** All namespaces in which servers run. */
export interface Areas {
  /** Of all areas, by name: each is named after a digest that the project is part of. */
  readonly pods: ReadonlyMap<string, Pod>;
  readonly deployments: ReadonlyMap<string, Deployment>;
  /** @param project none: the one for all. @throws ProblemError KUBE_NAMESPACE_NAME */
  at(project: string | undefined): Area;
  /** Every one that was ever asked for. */
  all(): Area[];
  /** Those of them that are a project's. */
  projects(): string[];
  /** As `at`, for a server that is wanted there. */
  want(project: string | undefined): Area;
  /** The name alone. @throws ProblemError KUBE_NAMESPACE_NAME */
  namespaceOf(project: string | undefined): string;
  /** Look after a project no more, unless something is there, or may be. @returns whether it is not looked after */
  drop(project: string): boolean;
  stop(): void;
}

interface Options extends Omit<AreaOptions, 'namespace' | 'selector'> {
  /** The namespace for all; `given` is said of it alone. */
  home: string;
}

const MAX_NAME = 63;

export function createAreas({ home, ...options }: Options): Areas {
  const pods = new Map<string, Pod>();
  const deployments = new Map<string, Deployment>();
  const areas = new Map<string | undefined, Area>();
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
    return `${marks.owner}=${options.owner},${which}`;
  }

  function at(project: string | undefined): Area {
    const present =
      areas.get(project) ??
      createArea({
        ...options,
        namespace: namespaceOf(project),
        selector: selectorOf(project),
        given: options.given && project === undefined,
        onPod: kept(pods, options.onPod),
        onDeployment: kept(deployments, options.onDeployment),
      });
    areas.set(project, present);
    return present;
  }

  return {
    pods,
    deployments,
    namespaceOf,
    at,
    all: () => [...areas.values()],
    projects: () => [...areas.keys()].filter(project => project !== undefined),
    want(project) {
      wanted.add(project);
      return at(project);
    },
    drop(project) {
      const area = areas.get(project);
      if (wanted.has(project) || area?.isEmpty() === false) return false;
      area?.stop();
      areas.delete(project);
      return true;
    },
    stop() {
      for (const area of areas.values()) area.stop();
    },
  };
}

/** Told on, and kept with those of other namespaces. */
function kept<T extends { metadata: { name: string } }>(
  all: Map<string, T>,
  told: (type: 'set' | 'gone', item: T, first: boolean) => void,
): (type: 'set' | 'gone', item: T, first: boolean) => void {
  return (type, item, first) => {
    if (type === 'set') all.set(item.metadata.name, item);
    else all.delete(item.metadata.name);
    told(type, item, first);
  };
}
