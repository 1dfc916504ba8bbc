import type { SeenReleases } from '../repo/trust/index.ts';
import {
  type Catalog,
  compareProblems,
  type Problem,
  type ResourceId,
  selectedPrompts,
  selectedServers,
} from '../schema/index.ts';
import type { Good } from './accept.ts';
import type { Drift } from './drift.ts';
import type { Backoff } from './instances/index.ts';
import type { Surface } from './mcp/index.ts';
import type { Removals } from './prune/index.ts';
import { type Draft, instanceProblems, serverSight } from './server-sight.ts';
import type { Condition, InstanceStatus, ProjectStatus, RolloutStatus, ServerStatus, Status } from './status.ts';
import type { Suspensions } from './suspensions.ts';
import { modeOf, releaseStatus, trustDrafts } from './trust-sight.ts';

/** Everything the loop knows; the only input of the status. */
export interface Facts {
  repository: Status['repository'];
  /** A fetch, a read or an apply is under way. */
  working: boolean;
  fetched: string | undefined;
  applied: string | undefined;
  /** Why the newest fetch or read failed. */
  sourceProblem: Problem | undefined;
  /** Why the newest commit was refused as a whole. */
  refused: readonly Problem[] | undefined;
  /** Problems and warnings of the newest commit that was read. */
  problems: readonly Problem[];
  catalog: Catalog | undefined;
  good: ReadonlyMap<ResourceId, Good>;
  stalled: ReadonlyMap<ResourceId, readonly Problem[]>;
  /** The releases that were seen, where only those are followed. */
  trust: (Omit<SeenReleases, 'passedOver'> & { passedOver: readonly Problem[] }) | undefined;
  /** What the newest commit that was applied took out of service, and what of it waits. */
  removals: Removals | undefined;
  /** Instances that were changed behind our back and are left so. */
  drift: ReadonlyMap<string, Drift>;
  /** Instances that nobody wants and that could not be ended. */
  pruneFailed: ReadonlyMap<string, Problem>;
  /** What was given to the daemon, whatever the repository says. */
  givenBackoff: Backoff | undefined;
  instances(server: string): InstanceStatus[];
  surface(server: string): Surface;
  /** Why a server's newest spec is not all that runs. */
  rollout(server: string): RolloutStatus | undefined;
  /** What people have suspended. */
  suspended: Pick<Suspensions, 'repository' | 'server'>;
}

/**
 * The status of everything, from what is known. Pure; the only place that sets conditions.
 * @param previous the last summary; a condition keeps its `since` while its status and reason stay the same
 * @param now ISO 8601
 */
export function summarize(facts: Facts, previous: Status | undefined, now: string): Status {
  const before = new Map(previous?.servers.map(({ name, conditions }) => [name, conditions]));
  const servers = (facts.catalog?.list('Server') ?? []).map(({ name, id }) =>
    serverStatus(facts, name, id, before.get(name), now),
  );
  for (const name of missingServers(facts, servers)) {
    servers.push(serverStatus(facts, name, `server/${name}`, before.get(name), now));
  }
  servers.sort((a, b) => (a.name < b.name ? -1 : 1));
  const projects = projectStatuses(facts, servers, previous, now);
  const { id, ...repository } = facts.repository;
  const repositoryId = facts.catalog?.repository?.spec.id ?? id;
  return {
    repository: { ...(repositoryId !== undefined && { id: repositoryId }), ...repository, mode: modeOf(facts) },
    ...releaseStatus(facts),
    revision: {
      ...(facts.fetched !== undefined && { fetched: facts.fetched }),
      ...(facts.applied !== undefined && { applied: facts.applied }),
    },
    ...suspension(facts.suspended.repository()),
    conditions: settle(
      [...overall(facts, servers), ...trustDrafts(facts, now)],
      facts.applied,
      previous?.conditions,
      now,
    ),
    servers,
    projects,
    ...pruneStatus(facts),
    ...backoffStatus(facts),
    ...(facts.drift.size > 0 && { drift: [...facts.drift.values()] }),
    problems: allProblems(facts, servers),
  };
}

function suspension(suspendedSince: string | undefined): { suspendedSince?: string } {
  return suspendedSince === undefined ? {} : { suspendedSince };
}

/** How long failing starts wait, where somebody has said so. */
function backoffStatus({ givenBackoff, catalog }: Facts): Pick<Status, 'backoff'> {
  const declared = catalog?.repository?.spec.backoffSeconds;
  if (givenBackoff) return { backoff: { seconds: givenBackoff.delaysMs.map(ms => ms / 1000), from: '--backoff' } };
  return declared ? { backoff: { seconds: declared, from: 'mcpctl.yaml' } } : {};
}

/** What waits, stays or is left over; nothing at all where there is nothing of it. */
function pruneStatus({ removals, pruneFailed }: Facts): Pick<Status, 'prune'> {
  const kept = [...(removals?.kept.keys() ?? [])].sort();
  const failed = [...pruneFailed.keys()].sort();
  const held = removals?.held;
  if (!held && kept.length + failed.length === 0) return {};
  return { prune: { ...(held && { held }), kept, failed } };
}

/** Servers that the commit declares but that never had a good revision: not in the catalog, yet to be shown. */
function missingServers(facts: Facts, present: readonly ServerStatus[]): string[] {
  const names = new Set(present.map(({ name }) => name));
  return [...facts.stalled.keys()]
    .filter(id => id.startsWith('server/'))
    .map(id => id.slice('server/'.length))
    .filter(name => !names.has(name));
}

function overall(facts: Facts, servers: readonly ServerStatus[]): Draft[] {
  const notReady = servers.filter(server => !holds(server.conditions, 'Ready'));
  const stalled = stalledDraft(facts);
  const failing = servers.filter(server => holds(server.conditions, 'Degraded'));
  const starting = notReady.some(({ instances }) => instances.some(isComing));
  return [
    readyDraft(facts, stalled, notReady),
    {
      type: 'Reconciling',
      ...yesNo(facts.working || starting, facts.working ? 'Working' : 'InstancesStarting', 'Idle'),
    },
    stalled,
    {
      type: 'Degraded',
      ...yesNo(failing.length > 0, 'ServersDegraded', 'AsDeclared', listed(failing.map(({ name }) => name))),
    },
  ];
}

function readyDraft(facts: Facts, stalled: Draft, notReady: readonly ServerStatus[]): Draft {
  const no = (reason: string, message: string): Draft => ({ type: 'Ready', status: 'False', reason, message });
  if (facts.sourceProblem) return no('SourceFailed', facts.sourceProblem.message);
  if (facts.applied === undefined && !facts.refused) return no('NothingApplied', 'no commit was applied yet');
  if (stalled.status === 'True') return no(stalled.reason, stalled.message);
  const suspended = facts.suspended.repository() !== undefined;
  if (!suspended && facts.applied !== facts.fetched) return no('NotApplied', 'a newer commit is being applied');
  const [first] = notReady;
  if (!first)
    return { type: 'Ready', status: 'True', reason: 'AllReady', message: 'everything declared is in service' };
  const why = first.conditions.find(({ type }) => type === 'Ready')?.message ?? '';
  return no('ServersNotReady', `${listed(notReady.map(({ name }) => name))}: ${why}`);
}

function stalledDraft(facts: Facts): Draft {
  const [refusal] = facts.refused ?? [];
  if (refusal) return { type: 'Stalled', status: 'True', reason: 'CommitRefused', message: refusal.message };
  const ids = [...facts.stalled.keys()].sort();
  const held = facts.removals?.held;
  if (held) {
    const message = `the removals of ${held.commit.slice(0, 7)} wait to be allowed: ${held.because.join('; ')}`;
    return { type: 'Stalled', status: 'True', reason: 'PruneHeld', message };
  }
  return {
    type: 'Stalled',
    ...yesNo(ids.length > 0, 'ResourcesStalled', 'AsDeclared', `at their last good revision: ${listed(ids)}`),
  };
}

function serverStatus(
  facts: Facts,
  name: string,
  id: ResourceId,
  before: readonly Condition[] | undefined,
  now: string,
): ServerStatus {
  const instances = facts.instances(name);
  const server = facts.catalog?.get(id);
  const surface = facts.surface(name);
  const why = facts.stalled.get(id)?.[0];
  const rollout = facts.rollout(name);
  const replicas = server?.kind === 'Server' ? server.spec.replicas : 0;
  const seen = serverSight(instances, replicas, rollout);
  const drafts: Draft[] = [
    server ? seen.ready : { type: 'Ready', status: 'False', reason: 'NeverGood', message: why?.message ?? '' },
    driftDraft(facts, name) ?? seen.degraded,
    { type: 'Stalled', ...yesNo(why !== undefined, stallReason(why), 'AsDeclared', why?.message) },
  ];
  const unsandboxed = instances.find(one => one.unsandboxed !== undefined)?.unsandboxed;
  if (unsandboxed !== undefined) {
    drafts.push({ type: 'Unsandboxed', status: 'True', reason: 'ProcessRuntime', message: unsandboxed });
  }
  const revision = facts.good.get(id)?.commit ?? '';
  return {
    name,
    revision,
    conditions: settle(drafts, revision, before, now),
    instances,
    ...suspension(facts.suspended.server(name)),
    ...(rollout && { rollout }),
    tools: surface.tools.length,
    prompts: surface.prompts.length,
  };
}

function projectStatuses(
  facts: Facts,
  servers: readonly ServerStatus[],
  previous: Status | undefined,
  now: string,
): ProjectStatus[] {
  const before = new Map(previous?.projects.map(({ name, conditions }) => [name, conditions]));
  const down = new Set(servers.filter(({ conditions }) => !holds(conditions, 'Ready')).map(({ name }) => name));
  const { catalog } = facts;
  if (!catalog) return [];
  return catalog.list('Project').map(project => {
    const { id, name } = project;
    const used = selectedServers(catalog, project);
    const unready = used.filter(server => down.has(server));
    const why = facts.stalled.get(id)?.[0];
    const revision = facts.good.get(id)?.commit ?? '';
    const drafts: Draft[] = [
      { type: 'Ready', ...yesNo(unready.length === 0, 'ServersReady', 'ServersNotReady', '', listed(unready)) },
      { type: 'Stalled', ...yesNo(why !== undefined, stallReason(why), 'AsDeclared', why?.message) },
    ];
    return {
      name,
      revision,
      endpoint: `/mcp/${name}`,
      servers: used,
      prompts: selectedPrompts(catalog, project).map(prompt => prompt.name),
      conditions: settle(drafts, revision, before.get(name), now),
    };
  });
}

/** What runs is not what was started, and is left so. */
function driftDraft({ drift }: Facts, server: string): Draft | undefined {
  const found = [...drift.values()].find(one => one.server === server);
  return found && { type: 'Degraded', status: 'True', reason: 'Drift', message: `${found.id}: ${found.because}` };
}

function stallReason(why: Problem | undefined): string {
  return why?.code === 'PRUNE_HELD' ? 'PruneHeld' : 'Invalid';
}

/** The first few of many names. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ');
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}

function allProblems(facts: Facts, servers: readonly ServerStatus[]): Problem[] {
  const running = servers.flatMap(({ name, instances, rollout }) => {
    const found = [...(rollout?.problem ? [rollout.problem] : []), ...instances.flatMap(instanceProblems)];
    return found.map(one => ({ ...one, resource: `server/${name}` }));
  });
  const found = [
    ...(facts.sourceProblem ? [facts.sourceProblem] : []),
    ...(facts.refused ?? []),
    ...facts.problems,
    ...facts.pruneFailed.values(),
    ...(facts.trust?.passedOver ?? []),
    ...running,
  ];
  const unique = new Map(found.map(one => [JSON.stringify(one), one]));
  return [...unique.values()].sort(compareProblems);
}

function settle(
  drafts: readonly Draft[],
  revision: string | undefined,
  before: readonly Condition[] | undefined,
  now: string,
): Condition[] {
  return drafts.map(draft => {
    const last = before?.find(({ type }) => type === draft.type);
    const same = last?.status === draft.status && last.reason === draft.reason;
    return {
      ...draft,
      ...(revision !== undefined && revision !== '' && { observedRevision: revision }),
      since: same ? last.since : now,
    };
  });
}

function yesNo(
  yes: boolean,
  reason: string,
  otherwise: string,
  message = '',
  otherMessage = '',
): Pick<Draft, 'status' | 'reason' | 'message'> {
  return yes ? { status: 'True', reason, message } : { status: 'False', reason: otherwise, message: otherMessage };
}

/** Whether a condition is True. */
export function holds(conditions: readonly Condition[], type: Condition['type']): boolean {
  return conditions.some(condition => condition.type === type && condition.status === 'True');
}

function isComing({ state }: InstanceStatus): boolean {
  return state === 'Pending' || state === 'Starting';
}
