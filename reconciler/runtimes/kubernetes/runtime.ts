import type { Clock } from '../../../host/index.ts';
import { redact, systemClock } from '../../../host/index.ts';
import { type Problem, ProblemError } from '../../../schema/index.ts';
import { createEventBus } from '../event-bus.ts';
import { howItEnded } from '../exit-words.ts';
import { noSuchInstance } from '../no-such-instance.ts';
import { createQueues } from '../queues.ts';
import type { EnsureResult, LaunchSpec, Observed, Runtime } from '../runtime.ts';
import { hasCluster } from './cluster.ts';
import { createDeployments } from './deployments.ts';
import { createEnding } from './ending.ts';
import { execIn, type PodPlace } from './exec.ts';
import { fenceWrites } from './fence.ts';
import { containerOf, isGone, observedOf, type Pod, whyNotAdoptable } from './found.ts';
import { createHappenings, DELETED, driftOf } from './happenings.ts';
import type { KubeInstance } from './instance.ts';
import { joinPod, keptLines } from './launch.ts';
import { createApplySpec } from './leading.ts';
import { marks, nameOf, ordinalOf } from './marks.ts';
import { modeOf } from './objects.ts';
import { createPodBook } from './pod-book.ts';
import { createFollowSpec } from './reading.ts';
import { clockProblem, clusterProblem } from './refusal.ts';
import { createSignals } from './signal.ts';
import { createTakeover } from './takeover.ts';
import { refusal, whyForbidden } from './why-not.ts';
import { createWishes } from './wishes.ts';
import { type Place, podAt, type Workings } from './workings.ts';
import { openYard } from './yard.ts';

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

/**
 * Instances as pods of Deployments, one Deployment for each server and spec. The cluster schedules and restarts; we
 * declare, observe and connect. Nothing is asked of it before the first instance.
 */
export function openKubernetesRuntime(options: KubernetesRuntimeOptions): Runtime {
  const { stateDir, env, clock = systemClock, graceMs = 5_000 } = options;
  const { follows = '', readOnly = false, leaseMs = 15_000, resyncMs = 600_000 } = options;
  const { inTurn, busy } = createQueues();
  const bus = createEventBus();
  const book = createPodBook();
  const waits = new Map<string, AbortController>();
  let yard: Promise<Place> | undefined;
  let current: Place | undefined;
  let closed = false;
  const workings: Workings = {
    book,
    bus,
    changes: createSignals(),
    wishes: createWishes(),
    writing: new Set(),
    graceMs,
    place: () => current,
    closed: () => closed,
  };
  const takeover = createTakeover(workings);
  const happenings = createHappenings(workings, takeover);
  const ending = createEnding(workings, takeover);
  const applySpec = createApplySpec(workings, takeover, ending);
  const followSpec = createFollowSpec(workings, ending);

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
      onTry: takeover.trying,
      onLead: takeover.leadChanged,
      onLeadKept: takeover.leadKept,
      onPod: happenings.pod,
      onDeployment: happenings.deployment,
      onReturn: () => {
        bus.tell({ type: 'returned', id: '', reason: 'the cluster answers again' });
        takeover.tidy();
      },
    });
    const writer = fenceWrites(opened.api, opened.lead);
    const servers = createDeployments({
      api: opened.api,
      writer,
      owner: opened.owner,
      namespaceOf: opened.areas.namespaceOf,
      imageOf,
      graceSeconds: Math.max(1, Math.ceil(graceMs / 1000)),
      live: opened.deployments,
      onConflict: (name, words) => happenings.tellAll(name, `${words}: taken back`),
    });
    current = { ...opened, servers, writer };
    await opened.lead.known().catch(async (error: unknown) => {
      await opened.close();
      current = undefined;
      throw error;
    });
    return current;
  }

  function imageOf(spec: LaunchSpec): string {
    if (spec.image !== undefined) return spec.image;
    if (spec.runner === 'python') return env.MCPCTL_RUNNER_PYTHON ?? 'mcpctl/runner-python';
    return env.MCPCTL_RUNNER_NODE ?? 'mcpctl/runner-node';
  }

  async function ensure(spec: LaunchSpec, signal: AbortSignal): Promise<EnsureResult> {
    if (closed) return refusal(spec, 'mcpctl is stopping');
    if (!INSTANCE_ID.test(spec.id)) return refusal(spec, 'its id is not a plain name');
    const forbidden = whyForbidden(spec);
    if (forbidden) return { problem: forbidden };
    const place = await open();
    const area = place.areas.want(spec.project);
    // Where the lease is.
    await place.areas.at(undefined).share();
    await place.lead.known();
    if (place.lead.held) await area.share();
    await area.hear();
    const found = await (place.lead.held ? applySpec : followSpec)(place, spec, signal);
    if (found === 'again') return ensure(spec, signal);
    if ('problem' in found) return found;
    return join(place, spec, found);
  }

  async function join(place: Place, spec: LaunchSpec, pod: Pod): Promise<KubeInstance> {
    const present = book.known.get(spec.id)?.instance;
    if (present?.uid === pod.metadata.uid && !book.isOver(pod)) return present;
    const adopted = book.inherited.delete(pod.metadata.uid);
    const clocks = clockProblem(place.api.ahead());
    const instance = await joinPod(podAt(place, pod.metadata), spec, pod, {
      adopted,
      caveats: clocks ? [clocks] : [],
      attachments: place.attachments,
      inside: place.inside,
    });
    return keep(instance, spec);
  }

  function keep(instance: KubeInstance, spec: LaunchSpec): KubeInstance {
    const { id, uid } = instance;
    book.setOn(uid);
    book.known.set(id, { instance, spec });
    const pod = current?.pods.get(instance.pod);
    const restarts = (pod && containerOf(pod)?.restartCount) ?? 0;
    void instance.exited.then(exit => {
      if (book.known.get(id)?.instance === instance) book.known.delete(id);
      book.setOver(uid, restarts);
      if (book.ending.has(uid)) return;
      bus.tell({ type: exit.reason === DELETED ? 'removed' : 'exited', id, reason: howItEnded(exit) });
      // The cluster restarts the pod’s container, at its own pace.
      if (modeOf(spec) === 'idle' && current) void restartIdle(podOf(current, instance), id);
    });
    if (pod) instance.look(pod);
    else instance.settle(DELETED);
    return instance;
  }

  /** Nothing was ever asked of a cluster, so that nothing of ours is there. */
  function isUntouched(): boolean {
    return !yard && !hasCluster(stateDir);
  }

  async function stop(id: string): Promise<void> {
    if (!isUntouched()) await ending.stop(await open(), id);
  }

  function guard<T>(what: string, work: () => Promise<T>): Promise<T | { problem: Problem }> {
    return work().catch((error: unknown) => ({ problem: clusterProblem(error, what) }));
  }

  async function observed(): Promise<Observed[]> {
    if (isUntouched()) return [];
    const place = await open();
    // What there is besides, and whether it is as it should be, is the leader's to say.
    const mine = place.lead.held ? undefined : new Set([...book.known.values()].map(({ instance }) => instance.uid));
    return [...place.pods.values()].flatMap(pod => {
      if (mine?.has(pod.metadata.uid) === false) return [];
      const ended = book.isOver(pod);
      if (isGone(pod) || (ended && pod.metadata.deletionTimestamp !== undefined)) return [];
      const id = book.holderOf(pod) ?? idOfStranger(place, pod);
      if (id === undefined) return [];
      const seen = observedOf(pod, id, place.owner, driftOf(place, nameOf(pod)));
      return [ended ? { ...seen, state: 'ended' as const, adoptable: false, why: 'it has ended' } : seen];
    });
  }

  /** One that is as good as what it is in the place of needs no mention: `ensure` takes it. */
  function idOfStranger(place: Place, pod: Pod): string | undefined {
    if (whyNotAdoptable(pod) === undefined) return undefined;
    return book.freeId(pod, place.servers.ordinals(nameOf(pod)));
  }

  return {
    name: 'kubernetes',
    list: observed,
    restarts: () => true,
    schedules: () => true,
    ensure(spec) {
      workings.wishes.ask(spec);
      return inTurn(spec.id, () => {
        const wait = new AbortController();
        waits.set(spec.id, wait);
        return guard(`${spec.id} was not started`, () => ensure(spec, wait.signal));
      });
    },
    async connect(id) {
      const instance = book.known.get(id)?.instance;
      return instance ? guard(id, () => instance.connect()) : { problem: noSuchInstance(id) };
    },
    async logs(id) {
      const instance = book.known.get(id)?.instance;
      if (instance) return instance.logs();
      if (isUntouched()) return [];
      const place = await open();
      const [pod] = book.heldBy(id);
      const lines = pod ? await keptLines(podAt(place, pod.metadata)) : [];
      return lines.map(line => redact(line, [], 2_048));
    },
    async exec(id, argv, { timeoutMs }) {
      const instance = book.known.get(id)?.instance;
      if (!instance) return { problem: noSuchInstance(id) };
      return guard(id, async () => execIn(podOf(await open(), instance), argv, { id, timeoutMs }));
    },
    watch: bus.listen,
    remove(id) {
      workings.wishes.drop(id, namesFor(current, id));
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
      const ids = new Set([...book.known.keys(), ...busy()]);
      if (!leave && !isUntouched()) {
        for (const { id, owned } of await observed().catch(() => [])) if (owned) ids.add(id);
        for (const id of idsOf(current)) ids.add(id);
      }
      await Promise.all([...ids].map(id => inTurn(id, async () => leave || stop(id).catch(() => undefined))));
      for (const { instance } of book.known.values()) instance.release();
      await current?.close();
    },
  };
}

/** The Deployments that have a pod for an instance, or shall have. */
function namesFor(place: Place | undefined, id: string): string[] {
  const all = [...(place?.deployments.values() ?? [])].filter(({ metadata: { name, labels } }) => {
    const ordinal = ordinalOf(id, labels[marks.server] ?? '');
    return ordinal !== undefined && place?.servers.ordinals(name).includes(ordinal) === true;
  });
  return all.map(({ metadata }) => metadata.name);
}

/** Every instance that a Deployment of ours has a pod for, or shall have. */
function idsOf(place: Place | undefined): string[] {
  return [...(place?.deployments.values() ?? [])].flatMap(({ metadata: { name, labels } }) =>
    (place?.servers.ordinals(name) ?? []).map(ordinal => `${labels[marks.server]}-${ordinal}`),
  );
}

function podOf(place: Place, { namespace, pod }: KubeInstance): PodPlace {
  return podAt(place, { namespace, name: pod });
}

/** The container ends, and the kubelet starts it anew, by and by later. */
async function restartIdle(place: PodPlace, id: string): Promise<void> {
  await execIn(place, ['/bin/sh', '-c', 'kill -TERM 1'], { id, timeoutMs: 10_000 }).catch(() => undefined);
}
