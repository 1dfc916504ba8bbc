import {
  assembleFiles,
  compareText,
  environmentsOf,
  type ParsedFile,
  type Problem,
  type ResourceId,
  resourceId,
  sortProblems,
} from '../schema/index.ts';
import { accept, type Good } from './accept.ts';
import { desiredItems, type Item, type PlanStep, plan } from './plan.ts';

const REPOSITORY = resourceId('Repository', 'global', 'repository');

/** What going from one revision to another would do: nothing observed and no times, so it is the same everywhere. */
export interface Preview {
  steps: PlanStep[];
  /** What of `mcpctl.yaml` is another and changes how instances are looked after. */
  settings: { name: string; before?: string; after?: string }[];
  /** Every resource whose content is another, with its digests; one of them is left out where there is none. */
  changes: { id: ResourceId; before?: string; after?: string }[];
  /** Of the newer revision. */
  problems: Problem[];
  /** Those of them that the older one does not have. */
  introduced: Problem[];
}

/** One side of a preview. */
export interface Revision {
  /** As messages name it. */
  name: string;
  files: readonly ParsedFile[];
}

/**
 * What the loop itself would decide about the newer revision with the older one in service. Waits for nothing but
 * code: what merges patches is loaded when there are some to merge.
 * @param environment whose patches take effect; it may be new
 */
export async function preview(from: Revision, to: Revision, environment?: string): Promise<Preview> {
  // An environment may be new: then no patch of it is in service.
  const known = environmentsOf(from.files).find(name => name === environment);
  const before = await service(from, new Map(), known);
  const after = await service(to, before.good, environment);
  return {
    steps: plan(after.items, before.items).steps,
    settings: settingsBetween(before.good, after.good),
    changes: changesBetween(before.good, after.good),
    problems: sortProblems(after.problems),
    introduced: sortProblems(after.problems.filter(found => !before.problems.some(old => sameProblem(old, found)))),
  };
}

/** Wherever it stands now: lines move. */
function sameProblem(a: Problem, b: Problem): boolean {
  return a.code === b.code && a.message === b.message && a.at?.file === b.at?.file && a.resource === b.resource;
}

interface Service {
  items: Item[];
  good: ReadonlyMap<ResourceId, Good>;
  problems: Problem[];
}

/** What would be in service after a revision was taken over. */
async function service(
  { files, name }: Revision,
  good: ReadonlyMap<ResourceId, Good>,
  environment?: string,
): Promise<Service> {
  const outcome = accept(await assembleFiles(files, environment), good, name);
  if ('refused' in outcome) return { items: [], good, problems: outcome.refused };
  return { items: desiredItems(outcome.catalog), good: outcome.good, problems: outcome.problems };
}

function settingsBetween(
  before: ReadonlyMap<ResourceId, Good>,
  after: ReadonlyMap<ResourceId, Good>,
): Preview['settings'] {
  const [old, now] = [before, after].map(good => {
    const repository = good.get(REPOSITORY)?.resource;
    const seconds = repository?.kind === 'Repository' ? repository.spec.backoffSeconds : undefined;
    return seconds && `${seconds.join(', ')} s`;
  });
  if (old === now) return [];
  return [{ name: 'backoff', ...(old !== undefined && { before: old }), ...(now !== undefined && { after: now }) }];
}

function changesBetween(
  before: ReadonlyMap<ResourceId, Good>,
  after: ReadonlyMap<ResourceId, Good>,
): Preview['changes'] {
  const ids = [...new Set([...before.keys(), ...after.keys()])].sort(compareText);
  return ids.flatMap(id => {
    const old = before.get(id)?.resource.digest;
    const now = after.get(id)?.resource.digest;
    if (old === now) return [];
    return [{ id, ...(old !== undefined && { before: old }), ...(now !== undefined && { after: now }) }];
  });
}
