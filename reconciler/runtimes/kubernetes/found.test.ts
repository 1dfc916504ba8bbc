import { expect, it } from 'vitest';
import { exitOfContainer, isGone, observedOf, Pod, whyNotAdoptable, whyNotStarting } from './found.ts';

function pod(more: { metadata?: object; spec?: object; status?: object } = {}): Pod {
  return Pod.parse({
    metadata: {
      name: 'p',
      uid: 'u',
      labels: { 'mcpctl.dev/owner': 'me' },
      annotations: { 'mcpctl.dev/image': 'i', 'mcpctl.dev/spec-digest': 'sha256:one' },
      ...more.metadata,
    },
    spec: { containers: [{ name: 'server', image: 'i' }], ...more.spec },
    ...(more.status && { status: more.status }),
  });
}

const state = (one: object, more: object = {}) => ({ containerStatuses: [{ name: 'server', state: one, ...more }] });
const running = state({ running: { startedAt: '2026-01-01T00:00:00Z' } });

it.each<[string, object | undefined, string | undefined]>([
  ['nothing is known yet', undefined, undefined],
  ['it is being made', state({ waiting: { reason: 'ContainerCreating' } }), undefined],
  [
    'the image cannot be pulled',
    state({ waiting: { reason: 'ErrImagePull', message: 'no such host' } }),
    'no such host',
  ],
  [
    'it is pulled again later',
    state({ waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling' } }),
    'Back-off pulling',
  ],
  [
    'it crashes again and again',
    state(
      { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } },
      { lastState: { terminated: { exitCode: 3 } } },
    ),
    'back-off 10s; it ended with code 3',
  ],
  [
    'it would run as root',
    state({ waiting: { reason: 'CreateContainerConfigError', message: 'image will run as root' } }),
    'image will run as root',
  ],
  [
    'it was evicted',
    { phase: 'Failed', reason: 'Evicted', message: 'The node was low on memory' },
    'The node was low on memory',
  ],
  [
    'no node has room',
    { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' }] },
    '0/1 nodes',
  ],
])('why a pod does not start: %s', (_situation, status, words) => {
  expect(whyNotStarting(pod(status ? { status } : {}))?.words).toBe(words);
});

it.each<[string, Parameters<typeof pod>[0], string | undefined]>([
  ['as it was started', {}, undefined],
  ['another image', { spec: { containers: [{ name: 'server', image: 'j' }] } }, 'it runs j, not i'],
  [
    'privileged',
    { spec: { containers: [{ name: 'server', image: 'i', securityContext: { privileged: true } }] } },
    'it is privileged',
  ],
  [
    'the host’s network',
    { spec: { containers: [{ name: 'server', image: 'i' }], hostNetwork: true } },
    'it uses the host’s network',
  ],
  [
    'a companion',
    {
      spec: {
        containers: [
          { name: 'server', image: 'i' },
          { name: 'spy', image: 'k' },
        ],
      },
    },
    'another container runs in its pod: spy',
  ],
])('what cannot be adopted: %s', (_situation, more, why) => {
  expect(whyNotAdoptable(pod(more))).toBe(why);
});

it('tells what is ours, and runs', () => {
  const seen = { id: 'notes-0', specDigest: 'sha256:one', state: 'running' };
  expect(observedOf(pod({ status: running }), 'notes-0', 'me')).toMatchObject({
    ...seen,
    owned: true,
    adoptable: true,
  });
  expect(observedOf(pod({ status: running }), 'notes-0', 'you')).toMatchObject({
    ...seen,
    owned: false,
    adoptable: false,
  });
});

it('is gone when it is being deleted and nothing runs', () => {
  const metadata = { name: 'p', uid: 'u', deletionTimestamp: '2026-01-01T00:00:00Z' };
  expect(isGone(pod({ metadata }))).toBe(true);
  expect(isGone(pod({ metadata, status: running }))).toBe(false);
});

it.each([
  [
    { exitCode: 3, reason: 'Error', message: '' },
    { code: 3, signal: null, lastLine: 'x' },
  ],
  [
    { exitCode: 137, reason: 'OOMKilled', message: '' },
    { code: null, signal: 'SIGKILL', lastLine: 'x', reason: 'it used more memory than it may' },
  ],
  [
    { exitCode: 143, reason: 'Error', message: 'said' },
    { code: null, signal: 'SIGTERM', lastLine: 'x', reason: 'said' },
  ],
])('how a container ended: %j', (end, exit) => {
  expect(exitOfContainer(end, 'x')).toEqual(exit);
});
