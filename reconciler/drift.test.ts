import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../host/index.ts';
import { link, type Problem, parseFile } from '../schema/index.ts';
import { type Drift, type DriftWatch, type Expected, planDeaths, planDrift, watchDrift } from './drift.ts';
import {
  createMachine,
  type LaunchSpec,
  type Machine,
  type Observed,
  openMemoryRuntime,
  type Runtime,
} from './runtimes/index.ts';
import type { InstanceStatus } from './status.ts';

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const a: Expected = { id: 'a-0', server: 'a', specs: [digest('1')] };

function seen(change: Partial<Observed> = {}): Observed {
  const plain = {
    id: 'a-0',
    specDigest: digest('1'),
    state: 'running',
    owned: true,
    adoptable: true,
    startedAt: 0,
  } as const;
  return { ...plain, ...change };
}

function ignoring(...ignored: string[]): Expected {
  return { ...a, ignored };
}

/** Its reasons are the fields, for short. */
function differing(...fields: string[]): Observed {
  return seen({ adoptable: false, differs: fields.map(field => ({ field, why: field })) });
}

it.each<[situation: string, expected: Expected[], observed: Observed[], because: string[]]>([
  ['as it was started', [a], [seen()], []],
  ['paused', [a], [seen({ state: 'paused', adoptable: false })], ['somebody paused it']],
  ['another image', [a], [seen({ adoptable: false, why: 'its image was replaced' })], ['its image was replaced']],
  ['started from another spec', [a], [seen({ specDigest: digest('2') })], ['what runs was started from another spec']],
  [
    'one of two specs while it is replaced in turn',
    [{ ...a, specs: [digest('1'), digest('2')] }],
    [seen({ specDigest: digest('2') })],
    [],
  ],
  ['another image, which is ignored', [ignoring('/spec/image')], [differing('/spec/image')], []],
  [
    'another image, where something else is ignored',
    [ignoring('/spec/args')],
    [differing('/spec/image')],
    ['/spec/image'],
  ],
  [
    'two fields, of which one is ignored',
    [ignoring('/spec/image')],
    [differing('/spec/image', '/spec/resources/limits/cpu')],
    ['/spec/resources/limits/cpu'],
  ],
  ['a field below one that is ignored', [ignoring('/spec/resources')], [differing('/spec/resources/limits/cpu')], []],
  ['a field beside one that is ignored', [ignoring('/spec/im')], [differing('/spec/image')], ['/spec/image']],
  [
    'privileged: cannot be ignored',
    [ignoring('/spec', '/spec/image')],
    [seen({ adoptable: false, why: 'it is privileged' })],
    ['it is privileged'],
  ],
  [
    'paused, whatever is ignored',
    [ignoring('/spec/image')],
    [{ ...differing('/spec/image'), state: 'paused' }],
    ['somebody paused it'],
  ],
  ['ended: supervision’s', [a], [seen({ state: 'ended' })], []],
  ['gone: supervision’s', [a], [], []],
  ['another’s of the same name', [a], [seen({ owned: false, specDigest: digest('3') })], []],
  ['nobody looks after it', [], [seen({ state: 'paused' })], []],
])('%s', (_situation, expected, observed, because) => {
  expect(planDrift(expected, observed, () => 'report').map(one => one.because)).toEqual(because);
});

it.each<[situation: string, expected: Expected[], observed: Observed[], gone: string[]]>([
  ['its checks fail, and it is not listed', [{ ...a, failing: true }], [], ['a-0']],
  ['its checks fail, and it has ended', [{ ...a, failing: true }], [seen({ state: 'ended' })], ['a-0']],
  ['its checks fail, and only another’s is listed', [{ ...a, failing: true }], [seen({ owned: false })], ['a-0']],
  ['its checks fail, and it is there', [{ ...a, failing: true }], [seen()], []],
  ['it is not listed, and answers', [a], [], []],
])('an end that nobody told of: %s', (_situation, expected, observed, gone) => {
  expect(planDeaths(expected, observed).map(({ id }) => id)).toEqual(gone);
});

describe('watched on a machine', () => {
  const spec: LaunchSpec = {
    id: 'a-0',
    server: 'a',
    ordinal: 0,
    specDigest: digest('1'),
    argv: ['sleep', '60'],
    env: {},
    transport: 'stdio',
    port: 0,
    path: '/mcp',
    secrets: [],
  };
  let machine: Machine;
  let runtime: Runtime;
  let watch: DriftWatch | undefined;
  let told: Problem[];
  let restarts: string[];

  beforeEach(async () => {
    machine = createMachine();
    runtime = openMemoryRuntime({
      machine,
      owner: 'here',
      programs: () => run => run.asked.addEventListener('abort', () => run.exit(0)),
    });
    told = [];
    restarts = [];
    expect(await runtime.ensure(spec)).not.toHaveProperty('problem');
  });
  afterEach(async () => {
    watch?.stop();
    await runtime.close();
  });

  function start(standard: Drift['action'], drift = ''): DriftWatch {
    const text = `apiVersion: mcpctl.dev/v1\nkind: Server\nspec: {transport: stdio, command: [sleep]${drift}}\n`;
    const { resource } = parseFile({ path: 'servers/a.yaml', oid: '0'.repeat(40), mode: '100644' }, Buffer.from(text));
    const { catalog } = link(resource ? [resource] : []);
    const status: InstanceStatus = { id: 'a-0', state: 'Running', ready: true, since: '', restarts: 0, attempt: 1 };
    watch = watchDrift({
      runtime,
      clock: systemClock,
      fleet: {
        statuses: server => (server === 'a' ? [status] : []),
        specsInUse: () => [spec.specDigest],
        retryNow: () => {},
        lost: () => {},
        restart: id => {
          restarts.push(id);
          void runtime.ensure(spec);
          return true;
        },
      },
      report: found => told.push(found),
      catalog: () => catalog,
      standard,
      onChange: () => {},
    });
    return watch;
  }

  it('a pause is told and put right', async () => {
    start('correct');
    machine.pause({ id: 'a-0' }, true);
    await expect.poll(() => restarts).toEqual(['a-0']);
    expect(told).toMatchObject([{ code: 'INSTANCE_CHANGED', resource: 'server/a' }]);
    await expect.poll(async () => (await runtime.list()).map(({ state }) => state)).toEqual(['running']);
  });

  it.each([
    ['the daemon is told to', 'report', ''],
    ['its server says so', 'correct', ', drift: report'],
  ] as const)('it is only told when %s, and forgotten when it is over', async (_who, standard, own) => {
    const drift = start(standard, own);
    machine.pause({ id: 'a-0' }, true);
    await expect.poll(() => [...drift.reported.keys()]).toEqual(['a-0']);
    expect(told).toMatchObject([{ code: 'INSTANCE_CHANGED', message: expect.stringContaining('left as it is') }]);
    machine.pause({ id: 'a-0' }, false);
    drift.look();
    await expect.poll(() => [...drift.reported.keys()]).toEqual([]);
    expect(restarts).toEqual([]);
  });

  it('a kill is supervision’s', async () => {
    const drift = start('report');
    machine.kill({ id: 'a-0' });
    await expect.poll(async () => (await runtime.list()).some(({ state }) => state === 'running')).toBe(false);
    expect([drift.reported.size, restarts, told]).toEqual([0, [], []]);
  });
});
