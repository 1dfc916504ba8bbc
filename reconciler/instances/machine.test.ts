import { expect, it } from 'vitest';
import { problem } from '../../schema/index.ts';
import { defaultBackoff } from './backoff.ts';
import { defaultHealthPolicy, type HealthPolicy } from './health.ts';
import { type Attempts, type InstanceEvent, type Machine, newMachine, step } from './machine.ts';

const died = problem('SERVER_EXITED', 'died');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Events as text; `+30` moves the clock by as many seconds first. */
const events: Record<string, InstanceEvent> = {
  begin: { type: 'begin' },
  ready: { type: 'ready', startMs: 100 },
  failed: { type: 'failed', problem: died },
  lost: { type: 'lost', problem: died },
  released: { type: 'released' },
  retry: { type: 'retry' },
  good: { type: 'checked', result: { ok: true, message: 'it answered' }, problem: died },
  bad: { type: 'checked', result: { ok: false, message: 'no answer' }, problem: died },
  stop: { type: 'stop', drain: false },
  drain: { type: 'stop', drain: true },
  drained: { type: 'drained' },
};

interface Play {
  before?: Attempts;
  health?: HealthPolicy;
}

/** What an instance has become after a sequence of events, and all that was to be done meanwhile. */
function play(sequence: string, { before, health = defaultHealthPolicy }: Play = {}) {
  let now = 0;
  const context = () => ({ backoff: defaultBackoff, health, now, random: 0.5 });
  let machine: Machine = newMachine(context(), before);
  const done: string[] = [];
  for (const word of sequence.split(' ')) {
    if (word.startsWith('+')) {
      now += Number(word.slice(1)) * SECOND;
      continue;
    }
    const event = events[word];
    if (!event) throw new Error(word);
    const outcome = step(machine, event, context());
    machine = outcome.machine;
    for (const effect of outcome.effects)
      done.push(effect.type === 'wait' ? `wait ${effect.ms / SECOND}` : effect.type);
  }
  return { machine, done };
}

it.each<[situation: string, sequence: string, state: string, done: string]>([
  ['it comes up', 'begin ready', 'Running', 'start save watch'],
  ['it does not come up: the first wait', 'begin failed', 'Error', 'start save release wait 30'],
  ['it is tried again', 'begin failed released retry', 'Starting', 'start save release wait 30 start'],
  ['not before all of its last run is gone', 'begin failed retry', 'Error', 'start save release wait 30'],
  ['but as soon as it is', 'begin failed retry released', 'Starting', 'start save release wait 30 start'],
  [
    'it dies: started again at once',
    'begin ready +10 lost released',
    'Starting',
    'start save watch save release start',
  ],
  [
    'it dies again within a minute: a failing start',
    'begin ready +10 lost released ready +59 lost',
    'Error',
    'start save watch save release start save watch save release wait 30',
  ],
  [
    'it dies again after a minute: at once',
    'begin ready +10 lost released ready +61 lost released',
    'Starting',
    'start save watch save release start save watch save release start',
  ],
  ['it ends before it began', 'stop released', 'Stopping', 'release'],
  ['it ends while it starts', 'begin stop released', 'Stopping', 'start release'],
  ['its answer comes too late', 'begin stop ready', 'Stopping', 'start release'],
  ['it ends while it waits', 'begin failed released stop', 'Stopping', 'start save release wait 30 release'],
  ['it ends while its last run ends', 'begin failed stop released', 'Stopping', 'start save release wait 30'],
  ['it is drained', 'begin ready drain', 'Stopping', 'start save watch drain'],
  ['it was drained', 'begin ready drain drained released', 'Stopping', 'start save watch drain release'],
  ['it dies while it is drained', 'begin ready drain lost', 'Stopping', 'start save watch drain release'],
  ['no time to drain', 'begin ready drain stop', 'Stopping', 'start save watch drain release'],
  ['what is not Running has nothing to drain', 'begin drain', 'Stopping', 'start release'],
  ['a retry changes nothing while it runs', 'begin ready retry', 'Running', 'start save watch'],
])('%s', (_situation, sequence, state, done) => {
  const played = play(sequence);
  expect([played.machine.state, played.done.join(' ')]).toEqual([state, done]);
});

it('waits 30 s five times, then five minutes', () => {
  const { done } = play(`begin${' failed released retry'.repeat(7)}`);
  const waits = done.filter(word => word.startsWith('wait'));
  expect(waits).toEqual([...Array(5).fill('wait 30'), 'wait 300', 'wait 300']);
});

it('counts attempts until it runs, and restarts for ever', () => {
  expect(play('begin failed released retry failed').machine).toMatchObject({ attempt: 2, failures: 2, error: died });
  const { machine } = play('begin failed released retry ready +90 lost released ready');
  expect(machine).toMatchObject({ attempt: 0, restarts: 1 });
  expect(machine).not.toHaveProperty('error');
});

it.each<[situation: string, before: Partial<Attempts>, state: string, done: string]>([
  ['waited for something: waits to the end', { nextRetryAt: 20 * SECOND }, 'Error', 'wait 20'],
  ['its time has come meanwhile', { nextRetryAt: 0 }, 'Starting', 'start'],
  ['a clock that jumped back: never longer than the longest wait', { nextRetryAt: 1e12 }, 'Error', 'wait 330'],
  ['ran', {}, 'Starting', 'start'],
])('an earlier daemon’s instance that %s', (_situation, before, state, done) => {
  const kept = { attempt: 3, failures: 3, restarts: 1, error: died, ...before };
  const played = play('begin', { before: kept });
  expect([played.machine.state, played.done.join(' ')]).toEqual([state, done]);
  expect(played.machine).toMatchObject({ error: died, restarts: 1 });
  const next = play(`begin${state === 'Error' ? ' retry' : ''} failed`, { before: kept });
  expect(next.machine).toMatchObject({ attempt: 4, failures: 4 });
});

it('remembers a death: another one soon after the daemon’s restart is a failing start', () => {
  const before = { attempt: 0, failures: 0, restarts: 1, diedAt: -30 * SECOND };
  expect(play('begin ready lost', { before }).done.at(-1)).toBe('wait 30');
  expect(play('begin ready lost', { before: { ...before, diedAt: -2 * MINUTE } }).done.at(-1)).toBe('release');
});

const withTool: HealthPolicy = { ...defaultHealthPolicy, tool: { name: 'ping', arguments: {} } };

it.each<[situation: string, sequence: string, health: string, policy: HealthPolicy]>([
  ['without a tool: healthy from the start', 'begin ready', 'healthy 0', defaultHealthPolicy],
  ['with a tool: it has to show it', 'begin ready', 'unknown 0', withTool],
  ['the tool answers', 'begin ready good', 'healthy 0', withTool],
  ['the tool does not answer yet', 'begin ready bad bad', 'unknown 2', withTool],
  ['the tool never answered', 'begin ready bad bad bad', 'unhealthy 3', withTool],
  ['a check fails', 'begin ready bad', 'degraded 1', defaultHealthPolicy],
  ['and the next one does not', 'begin ready bad good', 'healthy 0', defaultHealthPolicy],
  ['three fail', 'begin ready bad bad bad', 'unhealthy 3', defaultHealthPolicy],
  ['more fail', 'begin ready bad bad bad bad', 'unhealthy 4', defaultHealthPolicy],
  ['it is back', 'begin ready bad bad bad good', 'healthy 0', defaultHealthPolicy],
  ['a fresh start is healthy', 'begin ready bad lost released ready', 'healthy 0', defaultHealthPolicy],
  ['the threshold is one', 'begin ready bad', 'unhealthy 1', { ...defaultHealthPolicy, failureThreshold: 1 }],
])('health: %s', (_situation, sequence, expected, health) => {
  const { machine } = play(sequence, { health });
  expect(`${machine.health.state} ${machine.health.failures}`).toBe(expected);
  expect(machine.state).toBe('Running');
});

it('is checked at once when it has a tool, else after an interval', () => {
  const context = { backoff: defaultBackoff, now: 0, random: 0 };
  for (const [health, now] of [
    [withTool, true],
    [defaultHealthPolicy, false],
  ] as const) {
    const { machine } = play('begin', { health });
    const { effects } = step(machine, { type: 'ready', startMs: 1 }, { ...context, health });
    expect(effects).toContainEqual({ type: 'watch', now });
  }
});

it('is restarted for being unhealthy only where that is asked for, with the same backoff as for a death', () => {
  const health = { ...defaultHealthPolicy, restart: true };
  const bad = 'bad bad bad';
  expect(play(`begin ready ${bad}`).machine.state).toBe('Running');
  expect(play(`begin ready ${bad} released`, { health }).machine).toMatchObject({ state: 'Starting', restarts: 1 });
  const again = play(`begin ready ${bad} released ready ${bad}`, { health });
  expect([again.machine.state, again.done.at(-1)]).toEqual(['Error', 'wait 30']);
});

it('keeps the last fifty failures and recoveries, over restarts too', () => {
  const { machine } = play(`begin ready good${' bad'.repeat(60)} good good lost released ready`);
  expect(machine.health.events).toHaveLength(50);
  expect(machine.health.events.at(-1)).toMatchObject({ ok: true, state: 'healthy' });
  expect(machine.health.events.at(-2)).toMatchObject({ ok: false, message: 'no answer', state: 'unhealthy' });
});
