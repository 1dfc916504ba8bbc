import { expect, it } from 'vitest';
import { link, parseFile, problem } from '../schema/index.ts';
import type { InstanceStatus } from './status.ts';
import { type Facts, summarize } from './summarize.ts';

const T1 = '2026-01-01T00:00:00.000Z';
const T2 = '2026-01-01T00:01:00.000Z';

const files: Record<string, string> = {
  'mcpctl.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec: {id: test}\n',
  'servers/one.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Server\nspec: {transport: stdio, command: [run]}\n',
  'projects/demo/project.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Project\nspec: {servers: [one]}\n',
};
const resources = Object.entries(files).map(([path, text]) => {
  const { resource } = parseFile({ path, oid: '0'.repeat(40), mode: '100644' }, Buffer.from(text));
  if (!resource) throw new Error(path);
  return resource;
});
const { catalog } = link(resources);
const good = new Map(resources.map(resource => [resource.id, { resource, commit: 'A' }]));
const broken = problem('FIELD_UNKNOWN', 'unknown field `bogus`', {
  at: { file: 'servers/one.yaml', line: 4, column: 3 },
});
const died = problem('SERVER_EXITED', 'one-0 exited with code 1');

function instance(state: InstanceStatus['state'], why?: typeof died): InstanceStatus {
  return {
    id: 'one-0',
    state,
    ready: state === 'Running',
    since: T1,
    restarts: 0,
    attempt: 0,
    ...(why && { problem: why }),
  };
}

function facts(change: Partial<Facts> & { instance?: InstanceStatus } = {}): Facts {
  return {
    repository: { display: '/ai.git', ref: 'main', path: '', mode: 'open' },
    working: false,
    fetched: 'A',
    applied: 'A',
    sourceProblem: undefined,
    refused: undefined,
    problems: [],
    catalog,
    good,
    stalled: new Map(),
    removals: undefined,
    trust: undefined,
    pruneFailed: new Map(),
    givenBackoff: undefined,
    drift: new Map(),
    instances: () => [change.instance ?? instance('Running')],
    rollout: () => undefined,
    suspended: { repository: () => undefined, server: () => undefined },
    surface: () => ({ tools: [{ name: 'echo' }], prompts: [] }),
    ...change,
  };
}

it.each<[string, Parameters<typeof facts>[0], Record<string, string>]>([
  [
    'all runs',
    {},
    { Ready: 'True AllReady', Reconciling: 'False Idle', Stalled: 'False AsDeclared', Degraded: 'False AsDeclared' },
  ],
  [
    'an instance is starting',
    { instance: instance('Starting') },
    {
      Ready: 'False ServersNotReady',
      Reconciling: 'True InstancesStarting',
      Stalled: 'False AsDeclared',
      Degraded: 'False AsDeclared',
    },
  ],
  [
    'an instance failed',
    { instance: instance('Error', died) },
    {
      Ready: 'False ServersNotReady',
      Reconciling: 'False Idle',
      Stalled: 'False AsDeclared',
      Degraded: 'True ServersDegraded',
    },
  ],
  [
    'an instance that failed is tried again',
    { instance: instance('Starting', died) },
    {
      Ready: 'False ServersNotReady',
      Reconciling: 'True InstancesStarting',
      Stalled: 'False AsDeclared',
      Degraded: 'True ServersDegraded',
    },
  ],
  [
    'a resource is stalled',
    { stalled: new Map([['server/one', [broken]]]) },
    {
      Ready: 'False ResourcesStalled',
      Reconciling: 'False Idle',
      Stalled: 'True ResourcesStalled',
      Degraded: 'False AsDeclared',
    },
  ],
  [
    'the commit was refused',
    { refused: [broken], fetched: 'B' },
    {
      Ready: 'False CommitRefused',
      Reconciling: 'False Idle',
      Stalled: 'True CommitRefused',
      Degraded: 'False AsDeclared',
    },
  ],
  [
    'the remote cannot be reached, but all runs',
    { sourceProblem: problem('REMOTE_TIMEOUT', 'no answer') },
    {
      Ready: 'False SourceFailed',
      Reconciling: 'False Idle',
      Stalled: 'False AsDeclared',
      Degraded: 'False AsDeclared',
    },
  ],
  [
    'a newer commit is on its way',
    { working: true, fetched: 'B' },
    {
      Ready: 'False NotApplied',
      Reconciling: 'True Working',
      Stalled: 'False AsDeclared',
      Degraded: 'False AsDeclared',
    },
  ],
  [
    'nothing was ever applied',
    { working: true, fetched: undefined, applied: undefined, catalog: undefined, good: new Map() },
    {
      Ready: 'False NothingApplied',
      Reconciling: 'True Working',
      Stalled: 'False AsDeclared',
      Degraded: 'False AsDeclared',
    },
  ],
])('%s', (_situation, change, expected) => {
  const { conditions } = summarize(facts(change), undefined, T1);
  expect(Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]))).toEqual(
    expected,
  );
});

it('keeps `since` while a condition stays, and renews it when its status or reason changes', () => {
  const first = summarize(facts(), undefined, T1);
  const second = summarize(facts(), first, T2);
  expect(second).toEqual(first);
  const third = summarize(facts({ instance: instance('Error', died) }), second, T2);
  const since = Object.fromEntries(third.servers[0]?.conditions.map(({ type, since: at }) => [type, at]) ?? []);
  expect(since).toEqual({ Ready: T2, Degraded: T2, Stalled: T1 });
});

it('shows a server that never had a good revision, with the reason', () => {
  const status = summarize(facts({ problems: [broken], stalled: new Map([['server/new', [broken]]]) }), undefined, T1);
  const shown = status.servers.find(({ name }) => name === 'new');
  expect(shown?.revision).toBe('');
  expect(shown?.conditions.find(({ type }) => type === 'Ready')).toMatchObject({
    status: 'False',
    message: broken.message,
  });
  expect(status.problems).toEqual([broken]);
});

it('a server whose instance was changed, and left so, is Degraded, and Ready all the same', () => {
  const found = { id: 'one-0', server: 'one', because: 'somebody paused it', action: 'report' } as const;
  const status = summarize(facts({ drift: new Map([['one-0', found]]) }), undefined, T1);
  const of = (name: string) => status.servers.find(one => one.name === name)?.conditions ?? [];
  expect(of('one')).toContainEqual(
    expect.objectContaining({
      type: 'Degraded',
      status: 'True',
      reason: 'Drift',
      message: 'one-0: somebody paused it',
    }),
  );
  expect(of('one')).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
  expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Degraded', status: 'True' }));
  expect(status.drift).toEqual([found]);
});

it('a project is Ready when its servers are', () => {
  const [up] = summarize(facts(), undefined, T1).projects;
  const [down] = summarize(facts({ instance: instance('Error', died) }), undefined, T1).projects;
  expect(up).toMatchObject({ name: 'demo', endpoint: '/mcp/demo', servers: ['one'], revision: 'A' });
  expect(up?.conditions[0]).toMatchObject({ type: 'Ready', status: 'True' });
  expect(down?.conditions[0]).toMatchObject({ type: 'Ready', status: 'False', message: 'one' });
});

it('names the first few of many', () => {
  const stalled = new Map(Array.from({ length: 5_000 }, (_, index) => [`server/new-${index}`, [broken]]));
  const { conditions, servers } = summarize(facts({ stalled }), undefined, T1);
  expect(conditions.find(({ type }) => type === 'Stalled')?.message).toMatch(/server\/new-0, .* and 4990 more$/);
  expect(servers).toHaveLength(5_001);
});
