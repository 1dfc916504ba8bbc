import type { Clock } from '../../../host/index.ts';
import { redact, systemClock } from '../../../host/index.ts';
import { type Problem, ProblemError, problem } from '../../../schema/index.ts';
import { createEventBus } from '../event-bus.ts';
import { howItEnded } from '../exit-words.ts';
import { noSuchInstance } from '../no-such-instance.ts';
import { createQueues } from '../queues.ts';
import type { EnsureResult, LaunchSpec, Observed, Runtime } from '../runtime.ts';
import { hasCluster } from './cluster.ts';
import { createDeployments, type Deployments } from './deployments.ts';
import { execIn, type PodPlace } from './exec.ts';
import { fenceWrites, type Writer } from './fence.ts';
import {
  containerOf,
  type Deployment,
  hasLostNode,
  isGone,
  observedOf,
  type Pod,
  runningSince,
  whyNotAdoptable,
  whyNotStarting,
} from './found.ts';
import type { KubeInstance } from './instance.ts';
import { joinPod, keptLines } from './launch.ts';
import { marks, objectName } from './marks.ts';
import { modeOf } from './objects.ts';
import { clockProblem, clusterProblem, KubeRefusal } from './refusal.ts';
import { createSignals } from './signal.ts';
import { openYard, type Yard } from './yard.ts';

export interface KubernetesRuntimeOptions {
  /** Whose objects are ours is written there, and which cluster is meant. */
  stateDir: string;
  /** KUBECONFIG, HOME and MCPCTL_KUBE_* are read of it, and the images for the runners. */
  env: NodeJS.ProcessEnv;
  clock?: Clock;
  /** Between SIGTERM and SIGKILL; 5000 unless given. */
  graceMs?: number;
  /** The repository that is followed: another one by the same name is another installation. */
  follows?: string;
  /** Only read what another process has applied, and serve it. */
  readOnly?: boolean;
  /** How long another process waits for a leader that is silent; 15000 unless given. */
  leaseMs?: number;
  /** How often everything is listed anew, whatever was told meanwhile; 600000 unless given. */
  resyncMs?: number;
}

const INSTANCE_ID = /^[a-z0-9][a-z0-9-]{0,100}$/;
/** How long a pod may take to run before the caller is told that it does not; it is waited for again then. */
const START_MS = 50_000;

type Place = Yard & { servers: Deployments; writer: Writer };

/**
 * Instances as pods of Deployments, one Deployment for each server and spec. The cluster schedules and restarts; we
 * declare, observe and connect. Nothing is asked of it before the first instance.
 */
export function openKubernetesRuntime(options: KubernetesRuntimeOptions): Runtime {
  const { stateDir, env, clock = systemClock, graceMs = 5_000 } = options;
  const { follows = '', readOnly = false, leaseMs = 15_000, resyncMs = 600_000 } = options;
  const { inTurn, busy } = createQueues();
  const bus = createEventBus();
  const changes = createSignals();
  const known = new Map<string, KubeInstance>();
  /** What the known ones were asked for with. */
  const specs = new Map<string, LaunchSpec>();
  /** Pods by their Deployment. */
  const podsByName = new Map<string, Map<string, Pod>>();
  /** Which instance a pod is, by its uid; written on it too. */
  const holders = new Map<string, string>();
  /** Runs that have ended, by the pod's uid: how often its container had been restarted then. */
  const over = new Map<string, number>();
  /** Pods that we end: what happens to them is no news. */
  const ending = new Set<string>();
  /** What an earlier daemon left, and is not taken over yet. */
  const inherited = new Set<string>();
  /** Pods in the place of ours that were told of. */
  const strangers = new Set<string>();
  const waits = new Map<string, AbortController>();
  let yard: Promise<Place> | undefined;
  let current: Place | undefined;
  let closed = false;

  function open(): Promise<Place> {
    yard ??= make().catch(error => {
      yard = undefined;
      throw error;
    });
    return yard;
  }

  async function make(): Promise<Place> {
    const opened = await openYard({
      stateDir,
      env,
      clock,
      follows,
      leads: !readOnly,
      leaseMs,
      resyncMs,
      onLead: leadChanged,
      onPod: (type, pod) => podChanged(type, pod),
      onDeployment: (type, deployment) => deploymentChanged(type, deployment),
      onReturn: () => bus.tell({ type: 'returned', id: '', reason: 'the cluster answers again' }),
    });
    const writer = fenceWrites(opened.api, opened.lead);
    const servers = createDeployments({
      api: opened.api,
      writer,
      owner: opened.owner,
      namespace: opened.namespace,
      imageOf,
      graceSeconds: Math.max(1, Math.ceil(graceMs / 1000)),
      live: opened.deployments.items,
      onConflict: (name, words) => tellAll(name, `${words}: taken back`),
    });
    current = { ...opened, servers, writer };
    inherit(current);
    await opened.lead.known().catch(async (error: unknown) => {
      await opened.close();
      current = undefined;
      throw error;
    });
    return current;
  }

  /** Which instance a pod is, is written on it by who led then. */
  function inherit(place: Place): void {
    for (const pod of place.pods.items.values()) {
      const { uid, labels } = pod.metadata;
      const id = labels[marks.instance];
      if (id === undefined || isGone(pod) || holders.has(uid)) continue;
      holders.set(uid, id);
      inherited.add(uid);
    }
  }

  /** What there is becomes ours to look after, as we know it. */
  function leadChanged(held: boolean, silent: boolean): void {
    unstamped = held && silent;
    changes.raiseAll();
    if (held && known.size > 0 && current) void takeOver(current).catch(() => undefined);
  }

  async function takeOver(place: Place): Promise<void> {
    await secure(place);
    const taken = Map.groupBy(known.values(), ({ id }) => objectName(specs.get(id) as LaunchSpec));
    const adopting = [...taken].map(async ([name, instances]) => {
      for (const { id, pod } of instances) await nameInstance(place, place.pods.items.get(pod), id);
      const [first] = instances;
      const ordinals = instances.map(({ id }) => (specs.get(id) as LaunchSpec).ordinal);
      if (first) await place.servers.take(specs.get(first.id) as LaunchSpec, ordinals);
      else place.servers.doubt(name);
    });
    await Promise.allSettled(adopting);
    inherit(place);
    bus.tell({ type: 'returned', id: '', reason: 'this process leads now' });
  }

  /** The one that led before was not heard to give up: it may still believe that it leads. */
  let unstamped = false;
  let stamping: Promise<void> | undefined;

  async function secure(place: Place): Promise<void> {
    if (!unstamped) return;
    stamping ??= stamp(place)
      .then(() => {
        unstamped = false;
      })
      .finally(() => {
        stamping = undefined;
      });
    await stamping;
  }

  /** Whatever one that led before still writes is for an older version, and is refused. */
  async function stamp({ namespace, deployments, pods, writer }: Place): Promise<void> {
    const paths = [
      ...[...deployments.items.keys()].map(name => `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`),
      ...[...pods.items.keys()].map(name => `/api/v1/namespaces/${namespace}/pods/${name}`),
    ];
    await Promise.all(
      paths.map(path =>
        writer.merge(path, {}, { version: undefined }).catch((error: unknown) => {
          if (!(error instanceof KubeRefusal && error.status === 404)) throw error;
        }),
      ),
    );
  }

  async function nameInstance(place: Place, pod: Pod | undefined, id: string): Promise<void> {
    if (!pod || pod.metadata.labels[marks.instance] === id) return;
    const path = `/api/v1/namespaces/${place.namespace}/pods/${pod.metadata.name}`;
    await place.writer.merge(
      path,
      { metadata: { labels: { [marks.instance]: id } } },
      { version: pod.metadata.resourceVersion },
    );
  }

  function imageOf(spec: LaunchSpec): string {
    if (spec.image !== undefined) return spec.image;
    if (spec.runner === 'python') return env.MCPCTL_RUNNER_PYTHON ?? 'mcpctl/runner-python';
    return env.MCPCTL_RUNNER_NODE ?? 'mcpctl/runner-node';
  }

  // ── what happens behind our back ──

  function podChanged(type: 'set' | 'gone', pod: Pod): void {
    const { uid } = pod.metadata;
    const name = nameOf(pod);
    const present = podsByName.get(name) ?? new Map<string, Pod>();
    if (type === 'set') podsByName.set(name, present.set(uid, pod));
    else if (present.delete(uid) && present.size === 0) podsByName.delete(name);
    const id = holders.get(uid);
    const instance = id === undefined ? undefined : known.get(id);
    if (instance?.uid === uid) {
      if (type === 'set') instance.look(pod);
      if (type === 'gone' || isLost(pod)) instance.settle(wordsOfEnd(pod));
    }
    if (type === 'gone') {
      holders.delete(uid);
      over.delete(uid);
      ending.delete(uid);
      inherited.delete(uid);
      strangers.delete(uid);
    }
    for (const one of podsOf(name)) strangerCame(one);
    changes.raise(name);
  }

  /** A pod that the cluster made in the place of another, and that nobody has asked for yet. */
  function strangerCame(pod: Pod): void {
    const { uid } = pod.metadata;
    if (
      !current?.lead.held ||
      holders.has(uid) ||
      ending.has(uid) ||
      strangers.has(uid) ||
      runningSince(pod) === undefined
    )
      return;
    const why = whyNotAdoptable(pod);
    const id = why === undefined ? undefined : freeIdOf(pod);
    if (id === undefined || why === undefined) return;
    strangers.add(uid);
    bus.tell({ type: 'changed', id, reason: why });
  }

  /** Which of a Deployment's instances has no pod. */
  function freeIdOf(pod: Pod): string | undefined {
    const { labels } = pod.metadata;
    const name = nameOf(pod);
    const staying = podsOf(name).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const taken = new Set(staying.flatMap(one => holders.get(one.metadata.uid) ?? []));
    return current?.servers
      .ordinals(name)
      .map(ordinal => `${labels[marks.server]}-${ordinal}`)
      .find(id => !taken.has(id));
  }

  function deploymentChanged(type: 'set' | 'gone', deployment: Deployment): void {
    const { name } = deployment.metadata;
    // What belongs to it may have gone with it.
    if (type === 'gone') current?.servers.doubt(name);
    const drift = current && driftOf(current, name)[0]?.why;
    changes.raise(name);
    // What is being applied right now is no drift. Of another image, the pods tell themselves.
    if (drift !== undefined && !writing.has(name) && !drift.includes('/image is ')) tellAll(name, drift);
  }

  /** Deployments that are being written. */
  const writing = new Set<string>();

  function tellAll(name: string, reason: string): void {
    for (const instance of known.values()) {
      const pod = current?.pods.items.get(instance.pod);
      if (pod && nameOf(pod) === name) bus.tell({ type: 'changed', id: instance.id, reason });
    }
  }

  // ── what we do ──

  function podsOf(name: string): Pod[] {
    return [...(podsByName.get(name)?.values() ?? [])];
  }

  function podsHeldBy(id: string): Pod[] {
    return [...(current?.pods.items.values() ?? [])].filter(
      pod => holders.get(pod.metadata.uid) === id && !isGone(pod),
    );
  }

  function isOver(pod: Pod): boolean {
    const ended = over.get(pod.metadata.uid);
    return ended !== undefined && (containerOf(pod)?.restartCount ?? 0) <= ended;
  }

  function podPlace(place: Place, pod: string): PodPlace {
    return { api: place.api, namespace: place.namespace, pod };
  }

  async function ensure(spec: LaunchSpec, signal: AbortSignal): Promise<EnsureResult> {
    if (closed) return refusal(spec, 'mcpctl is stopping');
    if (!INSTANCE_ID.test(spec.id)) return refusal(spec, 'its id is not a plain name');
    const forbidden = whyForbidden(spec);
    if (forbidden) return { problem: forbidden };
    const place = await open();
    await place.share();
    await place.lead.known();
    const found = place.lead.held ? await applied(place, spec, signal) : await followed(place, spec, signal);
    if (found === 'again') return ensure(spec, signal);
    if ('problem' in found) return found;
    const present = known.get(spec.id);
    if (present?.uid === found.metadata.uid && !isOver(found)) return present;
    const adopted = inherited.delete(found.metadata.uid);
    const clocks = clockProblem(place.api.ahead());
    const instance = await joinPod(podPlace(place, found.metadata.name), spec, found, {
      adopted,
      caveats: clocks ? [clocks] : [],
      attachments: place.attachments,
      inside: place.inside,
    });
    return keep(instance, spec);
  }

  /** As the leader: have it, as it is declared. */
  async function applied(place: Place, spec: LaunchSpec, signal: AbortSignal): Promise<Pod | { problem: Problem }> {
    await secure(place);
    const name = objectName(spec);
    const others = podsHeldBy(spec.id).filter(
      pod => nameOf(pod) !== name || whyNotAdoptable(pod, spec.ignoreFields) !== undefined,
    );
    if (others.length > 0) await endPods(place, spec.id, others, name);
    if (signal.aborted) return refusal(spec, 'it is not wanted any more');
    writing.add(name);
    const found = await place.servers
      .want(spec)
      .finally(() => writing.delete(name))
      .then(({ secret }) => podFor(place, spec, secret, signal))
      .catch((error: unknown) => {
        place.doubt();
        place.servers.doubt(name);
        throw error;
      });
    return found;
  }

  /** As a reader: what the leader has made for it. Which one of several is as good. */
  async function followed(
    place: Place,
    spec: LaunchSpec,
    signal: AbortSignal,
  ): Promise<Pod | { problem: Problem } | 'again'> {
    const name = objectName(spec);
    const late = AbortSignal.timeout(START_MS);
    const stopped = aborted(AbortSignal.any([signal, late]));
    const before = known.get(spec.id);
    if (before && nameOf({ metadata: { labels: before.labels } }) !== name) await letGo(before);
    for (;;) {
      const changed = changes.next(name);
      if (signal.aborted || closed) return refusal(spec, 'it is not wanted any more');
      if (place.lead.held) return 'again';
      const others = new Set([...known.values()].filter(({ id }) => id !== spec.id).map(({ uid }) => uid));
      const fit = podsOf(name).filter(
        pod =>
          pod.metadata.labels[marks.instance] !== undefined &&
          !others.has(pod.metadata.uid) &&
          runningSince(pod) !== undefined &&
          !isOver(pod) &&
          whyNotAdoptable(pod) === undefined,
      );
      const own = fit.find(({ metadata }) => metadata.uid === known.get(spec.id)?.uid);
      const pod = own ?? fit.find(({ metadata }) => metadata.labels[marks.instance] === spec.id) ?? fit[0];
      if (pod) {
        holders.set(pod.metadata.uid, spec.id);
        return pod;
      }
      if (late.aborted) return { problem: notAppliedProblem(spec, place.lead.other) };
      await Promise.race([changed, stopped]);
    }
  }

  /** Speak with it no more; it goes on. */
  async function letGo(instance: KubeInstance): Promise<void> {
    ending.add(instance.uid);
    instance.settle();
    await instance.exited;
    ending.delete(instance.uid);
    over.delete(instance.uid);
  }

  function keep(instance: KubeInstance, spec: LaunchSpec): KubeInstance {
    const { id, uid } = instance;
    over.delete(uid);
    known.set(id, instance);
    specs.set(id, spec);
    const pod = current?.pods.items.get(instance.pod);
    const restarts = (pod && containerOf(pod)?.restartCount) ?? 0;
    void instance.exited.then(exit => {
      if (known.get(id) === instance) known.delete(id);
      if (!known.has(id)) specs.delete(id);
      over.set(uid, restarts);
      if (ending.has(uid)) return;
      bus.tell({ type: exit.reason === DELETED ? 'removed' : 'exited', id, reason: howItEnded(exit) });
      // The cluster restarts the pod’s container, at its own pace.
      if (modeOf(spec) === 'idle' && current) void restartIdle(podPlace(current, instance.pod), id);
    });
    if (pod) instance.look(pod);
    else instance.settle(DELETED);
    return instance;
  }

  /** A pod of this Deployment that runs: the instance’s own, or one that nobody has. */
  async function podFor(
    place: Place,
    spec: LaunchSpec,
    secret: string | undefined,
    signal: AbortSignal,
  ): Promise<Pod | { problem: Problem }> {
    const name = objectName(spec);
    const late = AbortSignal.timeout(START_MS);
    const stopped = aborted(AbortSignal.any([signal, late]));
    for (;;) {
      const changed = changes.next(name);
      if (signal.aborted || closed) return refusal(spec, 'it is not wanted any more');
      const pod = await choose(place, spec, secret);
      if (pod && runningSince(pod) !== undefined && !isOver(pod)) return pod;
      const stuck = (pod && stuckProblem(spec, pod)) ?? unmadeProblem(place, spec);
      if (stuck) return { problem: stuck };
      if (late.aborted) return { problem: lateProblem(spec, pod) };
      await Promise.race([changed, stopped]);
    }
  }

  async function choose(place: Place, spec: LaunchSpec, secret: string | undefined): Promise<Pod | undefined> {
    const fit = podsOf(objectName(spec)).filter(
      pod =>
        pod.metadata.deletionTimestamp === undefined &&
        pod.metadata.annotations[marks.values] === secret &&
        whyNotAdoptable(pod, spec.ignoreFields) === undefined,
    );
    const own = fit.find(pod => holders.get(pod.metadata.uid) === spec.id);
    if (own) return own;
    const free = fit
      .filter(pod => !holders.has(pod.metadata.uid))
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    const pod = free.find(one => runningSince(one) !== undefined) ?? free[0];
    // What does not run yet may still be replaced by the cluster.
    if (!pod || runningSince(pod) === undefined) return pod;
    holders.set(pod.metadata.uid, spec.id);
    await nameInstance(place, pod, spec.id).catch((error: unknown) => {
      holders.delete(pod.metadata.uid);
      throw error;
    });
    return pod;
  }

  async function stop(id: string): Promise<void> {
    if (!yard && !hasCluster(stateDir)) return;
    const place = await open();
    if (!place.lead.held) {
      // It is the leader's to end.
      const instance = known.get(id);
      if (instance) await letGo(instance);
      return;
    }
    await secure(place);
    const pods = podsHeldBy(id);
    await endPods(place, id, pods, undefined);
    // A Deployment that has no pod for it yet, or none any more.
    for (const deployment of [...place.deployments.items.values()]) {
      const server = deployment.metadata.labels[marks.server] ?? '';
      const { name } = deployment.metadata;
      const ordinal = ordinalOf(id, server);
      if (ordinal === undefined || !place.servers.ordinals(name).includes(ordinal)) continue;
      await release(place, name, ordinal);
    }
  }

  async function release(place: Place, name: string, ordinal: number): Promise<void> {
    writing.add(name);
    await place.servers.release(name, ordinal).finally(() => writing.delete(name));
  }

  /** @param staying the Deployment that keeps its place for the instance */
  async function endPods(place: Place, id: string, pods: readonly Pod[], staying: string | undefined): Promise<void> {
    for (const pod of pods) await endPod(place, id, pod, nameOf(pod) === staying);
    for (const pod of pods) await gone(place, pod);
    const instance = known.get(id);
    if (!instance || !pods.some(({ metadata }) => metadata.uid === instance.uid)) return;
    instance.settle();
    await instance.exited;
  }

  async function endPod(place: Place, id: string, pod: Pod, staying: boolean): Promise<void> {
    ending.add(pod.metadata.uid);
    const name = nameOf(pod);
    const ordinal = ordinalOf(id, pod.metadata.labels[marks.server] ?? '');
    const last = place.servers.ordinals(name).every(one => one === ordinal);
    // Gone before there is one less to have: the cluster would choose another pod than this one.
    if (staying || !last) await removePod(place, pod);
    else for (const one of podsOf(name)) ending.add(one.metadata.uid);
    if (!staying && ordinal !== undefined) await release(place, name, ordinal);
  }

  function removePod(place: Place, pod: Pod): Promise<void> {
    const { uid, name, resourceVersion: version } = pod.metadata;
    return place.writer.remove(
      `/api/v1/namespaces/${place.namespace}/pods/${name}`,
      { version },
      { preconditions: { uid } },
    );
  }

  /** Until nothing runs in a pod any more. */
  async function gone(place: Place, pod: Pod): Promise<void> {
    const late = AbortSignal.timeout(graceMs + START_MS);
    const stopped = aborted(late);
    for (;;) {
      const changed = changes.next(nameOf(pod));
      const now = place.pods.items.get(pod.metadata.name);
      if (now?.metadata.uid !== pod.metadata.uid || isGone(now) || late.aborted) return;
      await Promise.race([changed, stopped]);
    }
  }

  function guard<T>(what: string, work: () => Promise<T>): Promise<T | { problem: Problem }> {
    return work().catch((error: unknown) => ({ problem: clusterProblem(error, what) }));
  }

  async function observed(): Promise<Observed[]> {
    if (!yard && !hasCluster(stateDir)) return [];
    const place = await open();
    // What there is besides, and whether it is as it should be, is the leader's to say.
    const mine = place.lead.held ? undefined : new Set([...known.values()].map(({ uid }) => uid));
    return [...place.pods.items.values()].flatMap(pod => {
      if (mine?.has(pod.metadata.uid) === false) return [];
      const held = holders.get(pod.metadata.uid);
      const ended = isOver(pod);
      if (isGone(pod) || (ended && pod.metadata.deletionTimestamp !== undefined)) return [];
      const id = held ?? (whyNotAdoptable(pod) === undefined ? undefined : freeIdOf(pod));
      if (id === undefined) return [];
      const seen = observedOf(pod, id, place.owner, driftOf(place, nameOf(pod)));
      return [ended ? { ...seen, state: 'ended' as const, adoptable: false, why: 'it has ended' } : seen];
    });
  }

  return {
    name: 'kubernetes',
    list: observed,
    restarts: () => true,
    schedules: () => true,
    ensure(spec) {
      return inTurn(spec.id, () => {
        const wait = new AbortController();
        waits.set(spec.id, wait);
        return guard(`${spec.id} was not started`, () => ensure(spec, wait.signal));
      });
    },
    async connect(id) {
      const instance = known.get(id);
      return instance ? guard(id, () => instance.connect()) : { problem: noSuchInstance(id) };
    },
    async logs(id) {
      const instance = known.get(id);
      if (instance) return instance.logs();
      if (!yard && !hasCluster(stateDir)) return [];
      const place = await open();
      const [pod] = podsHeldBy(id);
      const lines = pod ? await keptLines(podPlace(place, pod.metadata.name)) : [];
      return lines.map(line => redact(line, [], 2_048));
    },
    async exec(id, argv, { timeoutMs }) {
      const instance = known.get(id);
      if (!instance) return { problem: noSuchInstance(id) };
      return guard(id, async () => execIn(podPlace(await open(), instance.pod), argv, { id, timeoutMs }));
    },
    watch: bus.listen,
    remove(id) {
      waits.get(id)?.abort();
      return inTurn(id, () =>
        stop(id).catch((error: unknown) => {
          throw new ProblemError(clusterProblem(error, `${id} was not removed`));
        }),
      );
    },
    reap: async () => [],
    async close({ leave = false } = {}) {
      if (closed) return;
      closed = true;
      for (const wait of waits.values()) wait.abort();
      const ids = new Set([...known.keys(), ...busy()]);
      if (!leave && (yard || hasCluster(stateDir))) {
        for (const { id, owned } of await observed().catch(() => [])) if (owned) ids.add(id);
        for (const id of idsOf(current)) ids.add(id);
      }
      await Promise.all([...ids].map(id => inTurn(id, async () => leave || stop(id).catch(() => undefined))));
      for (const instance of known.values()) instance.release();
      await current?.close();
    },
  };
}

const DELETED = 'somebody deleted its pod';

function nameOf({ metadata: { labels } }: { metadata: { labels: Record<string, string> } }): string {
  return `${labels[marks.server]}-${labels[marks.spec]}`;
}

/** `notes-1` of `notes` → 1 */
function ordinalOf(id: string, server: string): number | undefined {
  const rest = id.startsWith(`${server}-`) ? id.slice(server.length + 1) : '';
  return /^\d+$/.test(rest) ? Number(rest) : undefined;
}

/** Every instance that a Deployment of ours has a pod for, or shall have. */
function idsOf(place: Place | undefined): string[] {
  return [...(place?.deployments.items.values() ?? [])].flatMap(({ metadata: { name, labels } }) =>
    (place?.servers.ordinals(name) ?? []).map(ordinal => `${labels[marks.server]}-${ordinal}`),
  );
}

/** A pod whose node does not answer is on its way out, and its server cannot be reached. */
function isLost(pod: Pod): boolean {
  const { phase } = pod.status;
  return (
    phase === 'Failed' || hasLostNode(pod) || (pod.metadata.deletionTimestamp !== undefined && phase === 'Unknown')
  );
}

function wordsOfEnd(pod: Pod): string {
  const { status } = pod;
  if (hasLostNode(pod)) return `its node ${pod.spec.nodeName} does not answer`;
  return status.reason === '' ? DELETED : `${status.reason}: ${status.message}`;
}

/** The container ends, and the kubelet starts it anew, by and by later. */
async function restartIdle(place: PodPlace, id: string): Promise<void> {
  await execIn(place, ['/bin/sh', '-c', 'kill -TERM 1'], { id, timeoutMs: 10_000 }).catch(() => undefined);
}

/** How a Deployment differs from what was declared, and who wrote it last. */
function driftOf(place: Place, name: string): { field: string | undefined; why: string }[] {
  const deployment = place.deployments.items.get(name);
  const who = deployment ? lastWriter(deployment) : '';
  return place.servers.drift(name).map(({ field, why }) => ({ field, why: `${why}${who}` }));
}

function lastWriter({ metadata }: Deployment): string {
  const others = metadata.managers.filter(
    ({ manager }) => manager !== 'mcpctl' && manager !== 'kube-controller-manager',
  );
  const last = others.sort((a, b) => (a.time < b.time ? 1 : -1))[0]?.manager;
  return last === undefined ? '' : ` (changed by ${last})`;
}

function stuckProblem(spec: LaunchSpec, pod: Pod): Problem | undefined {
  const stuck = whyNotStarting(pod);
  if (!stuck) return undefined;
  const code = stuck.image ? 'IMAGE_MISSING' : 'KUBE_POD_FAILING';
  return problem(code, `${spec.id}: ${stuck.reason}: ${stuck.words}`, { resource: `server/${spec.server}` });
}

/** The cluster will not even make the pod: a quota, a policy. */
function unmadeProblem(place: Place, spec: LaunchSpec): Problem | undefined {
  const conditions = place.deployments.items.get(objectName(spec))?.status.conditions ?? [];
  const failure = conditions.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  if (!failure) return undefined;
  const code = failure.message.includes('exceeded quota') ? 'KUBE_QUOTA' : 'RUNTIME_REFUSED';
  return problem(code, `${spec.id}: ${failure.message}`, { resource: `server/${spec.server}` });
}

function notAppliedProblem(spec: LaunchSpec, leader: string | undefined): Problem {
  const resource = `server/${spec.server}`;
  const who = leader === undefined ? 'nobody leads' : `${leader} leads`;
  return problem('SERVER_START_TIMEOUT', `${spec.id} was not applied within ${START_MS} ms: ${who}`, { resource });
}

function lateProblem(spec: LaunchSpec, pod: Pod | undefined): Problem {
  const words = pod ? `its pod is ${pod.status.phase}` : 'the cluster has made no pod for it';
  const resource = `server/${spec.server}`;
  return problem('SERVER_START_TIMEOUT', `${spec.id} does not run after ${START_MS} ms: ${words}`, { resource });
}

/** What a pod is never given, whatever is declared. */
function whyForbidden(spec: LaunchSpec): Problem | undefined {
  const resource = `server/${spec.server}`;
  const [path] = spec.isolation?.paths ?? [];
  if (path) {
    const message = `${spec.id} wants ${path.path} of the host, which no pod is given`;
    return problem('ISOLATION_IMPOSSIBLE', message, { resource });
  }
  if (spec.image?.startsWith('sha256:') === true) {
    const message = `${spec.id} names an image by Docker’s id, which a cluster cannot pull`;
    return problem('RUNTIME_UNSUPPORTED', message, { resource, hint: 'Name it as name@sha256:….' });
  }
  return undefined;
}

function refusal(spec: LaunchSpec, reason: string): { problem: Problem } {
  const resource = `server/${spec.server}`;
  return { problem: problem('SERVER_EXITED', `${spec.id} was not started: ${reason}`, { resource }) };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
