import { z } from 'zod';
import { notIgnored } from '../not-ignored.ts';
import type { Exit, Observed } from '../runtime.ts';
import { marks } from './marks.ts';

const Metadata = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  uid: z.string().default(''),
  resourceVersion: z.string().default(''),
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
});

const Terminated = z.object({
  exitCode: z.number(),
  signal: z.number().optional(),
  reason: z.string().default(''),
  message: z.string().default(''),
});
type Terminated = z.infer<typeof Terminated>;

const ContainerState = z.object({
  waiting: z.object({ reason: z.string().default(''), message: z.string().default('') }).optional(),
  running: z.object({ startedAt: z.string() }).optional(),
  terminated: Terminated.optional(),
});

const SecurityContext = z.object({ privileged: z.boolean().default(false) });

/** What the cluster tells of a pod, as far as it is read here. */
export const Pod = z.object({
  metadata: Metadata,
  spec: z.object({
    nodeName: z.string().optional(),
    hostNetwork: z.boolean().default(false),
    hostPID: z.boolean().default(false),
    containers: z.array(z.object({ name: z.string(), image: z.string(), securityContext: SecurityContext.optional() })),
  }),
  status: z
    .object({
      phase: z.string().default(''),
      reason: z.string().default(''),
      message: z.string().default(''),
      podIP: z.string().optional(),
      conditions: z
        .array(
          z.object({
            type: z.string(),
            status: z.string(),
            reason: z.string().default(''),
            message: z.string().default(''),
          }),
        )
        .default([]),
      containerStatuses: z
        .array(
          z.object({
            name: z.string(),
            restartCount: z.number().default(0),
            state: ContainerState.default({}),
            lastState: ContainerState.default({}),
          }),
        )
        .default([]),
    })
    .default({ phase: '', reason: '', message: '', conditions: [], containerStatuses: [] }),
});
export type Pod = z.infer<typeof Pod>;

const Managers = z.array(z.object({ manager: z.string().default(''), time: z.string().default('') })).default([]);

/** Of a Deployment everything is kept: it is compared with what was declared. */
export const Deployment = z.looseObject({
  metadata: z
    .looseObject({ ...Metadata.shape })
    // What each manager has is large, and only who they are is told.
    .transform(({ managedFields, ...rest }) => ({ ...rest, managers: Managers.catch([]).parse(managedFields) })),
  spec: z.looseObject({ replicas: z.number().default(1) }),
  status: z
    .object({
      conditions: z
        .array(z.object({ type: z.string(), status: z.string(), message: z.string().default('') }))
        .default([]),
    })
    .default({ conditions: [] }),
});
export type Deployment = z.infer<typeof Deployment>;

/** Which leader wrote it last. */
export function generationOf({ annotations }: { annotations: Record<string, string> }): number {
  return Number(annotations[marks.generation] ?? 0);
}

export function containerOf(pod: Pod) {
  return pod.status.containerStatuses.find(({ name }) => name === 'server');
}

/** When its server was started; undefined while it does not run. */
export function runningSince(pod: Pod): number | undefined {
  const running = containerOf(pod)?.state.running;
  return running && pod.status.phase !== 'Failed' && !hasLostNode(pod) ? Date.parse(running.startedAt) : undefined;
}

/**
 * Its node does not answer: the cluster says that the pod is not ready though all its containers are, and there are no
 * probes of ours that could say so.
 */
export function hasLostNode({ status }: Pod): boolean {
  const is = (type: string) => status.conditions.find(condition => condition.type === type);
  const ready = is('Ready');
  return ready?.reason === 'NodeLost' || (ready?.status === 'False' && is('ContainersReady')?.status === 'True');
}

/** Which pods are given up by the cluster itself: nothing runs in them any more. */
export function isGone(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined && runningSince(pod) === undefined;
}

/** Reasons of a container that waits, and will not start without somebody doing something, or a long time. */
const HOPELESS =
  /^(ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull|CrashLoopBackOff|CreateContainer\w*Error|RunContainerError|StartError)$/;

/** Why a pod does not start, in the kubelet's and the scheduler's own words; undefined while it is under way. */
export function whyNotStarting(pod: Pod): { reason: string; words: string; image: boolean } | undefined {
  if (hasLostNode(pod))
    return { reason: 'NodeLost', words: `its node ${pod.spec.nodeName} does not answer`, image: false };
  const { waiting } = containerOf(pod)?.state ?? {};
  if (waiting && HOPELESS.test(waiting.reason)) {
    const last = containerOf(pod)?.lastState.terminated;
    const end = last && waiting.reason === 'CrashLoopBackOff' ? `; it ended with code ${last.exitCode}` : '';
    const image = /Image/.test(waiting.reason);
    return { reason: waiting.reason, words: `${waiting.message || waiting.reason}${end}`, image };
  }
  const { phase, reason, message } = pod.status;
  if (phase === 'Failed') return { reason: reason || 'Failed', words: message || 'the pod failed', image: false };
  const place = pod.status.conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  if (place?.reason === 'Unschedulable') return { reason: place.reason, words: place.message, image: false };
  return undefined;
}

/** Why a pod is not what was started, and the field of the Server that it is about, where that is all. */
function unfitness(pod: Pod): { field?: string; why: string } | undefined {
  const container = pod.spec.containers.find(({ name }) => name === 'server');
  const wanted = pod.metadata.annotations[marks.image] ?? '';
  if (pod.metadata.deletionTimestamp !== undefined) return { why: 'its pod is being deleted' };
  if (container?.securityContext?.privileged === true) return { why: 'it is privileged' };
  if (pod.spec.hostNetwork) return { why: 'it uses the host’s network' };
  if (pod.spec.hostPID) return { why: 'it sees the host’s processes' };
  const other = pod.spec.containers.find(({ name }) => name !== 'server');
  if (other) return { why: `another container runs in its pod: ${other.name}` };
  if (container?.image === wanted) return undefined;
  return { field: '/spec/image', why: `it runs ${container?.image ?? 'nothing'}, not ${wanted}` };
}

/** Why a pod cannot be taken as it is: it is not what was started. @param ignored fields of the Server */
export function whyNotAdoptable(pod: Pod, ignored: readonly string[] = []): string | undefined {
  const unfit = unfitness(pod);
  const { field, why = '' } = unfit ?? {};
  if (field !== undefined && notIgnored([{ field, why }], ignored).length === 0) return undefined;
  return unfit?.why;
}

/**
 * @param id the instance that it is, or is about to be
 * @param drift how its Deployment differs from what was declared
 */
export function observedOf(
  pod: Pod,
  id: string,
  owner: string,
  drift: readonly { field?: string | undefined; why: string }[] = [],
): Observed {
  const startedAt = runningSince(pod);
  const owned = pod.metadata.labels[marks.owner] === owner;
  const unfit = unfitness(pod);
  const wrong = [...(unfit ? [unfit] : []), ...drift];
  const why = startedAt === undefined ? (whyNotStarting(pod)?.words ?? 'it does not run') : wrong[0]?.why;
  const differs = wrong.flatMap(({ field, why: words }) => (field === undefined ? [] : [{ field, why: words }]));
  const isAll = startedAt !== undefined && differs.length > 0 && differs.length === wrong.length;
  return {
    id,
    specDigest: pod.metadata.annotations[marks.specDigest] ?? '',
    state: startedAt === undefined ? 'ended' : 'running',
    owned,
    adoptable: owned && why === undefined,
    ...(why !== undefined && { why }),
    ...(isAll && { differs }),
    startedAt: startedAt ?? 0,
  };
}

const SIGNALS: Record<number, NodeJS.Signals> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  6: 'SIGABRT',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  15: 'SIGTERM',
};

/** 137 is SIGKILL, and so on: a shell's convention, which kubelets keep. */
export function exitOfCode(code: number): Pick<Exit, 'code' | 'signal'> {
  const signal = code > 128 ? SIGNALS[code - 128] : undefined;
  return signal === undefined ? { code, signal: null } : { code: null, signal };
}

export function exitOfContainer({ exitCode, reason, message }: Terminated, lastLine: string): Exit {
  const why = reason === 'OOMKilled' ? 'it used more memory than it may' : message;
  return { ...exitOfCode(exitCode), lastLine, ...(why !== '' && { reason: why }) };
}
