import { expect, it } from 'vitest';
import { type RolloutSituation, rollout, type Seen } from './rollout.ts';

/** `0 a ready`, `1 b failing hopeless`, `0 a! ready` (stale) */
function seen(text: string): Seen {
  const [ordinal, digest = '', phase, hopeless] = text.split(' ');
  return {
    ordinal: Number(ordinal),
    digest: digest.replace('!', ''),
    stale: digest.endsWith('!'),
    phase: phase as Seen['phase'],
    hopeless: hopeless !== undefined,
  };
}

/** What is done, as text. */
function steps(change: Partial<Omit<RolloutSituation, 'seen'>>, instances: string[]): string[] {
  const defaults = { wanted: 'b', replicas: 1, strategy: 'recreate' as const, blocked: false, prepared: false };
  return rollout({ ...defaults, ...change, seen: instances.map(seen) }).map(step => {
    if (step.do === 'start') return `start ${step.ordinal} ${step.digest}`;
    if (step.do === 'end') return `end ${step.ordinal}`;
    return step.do === 'reject' ? `back to ${step.for}` : step.do;
  });
}

it.each<[situation: string, replicas: number, instances: string[], expected: string[]]>([
  ['nothing is there', 2, [], ['start 0 b', 'start 1 b']],
  ['all are there', 1, ['0 b ready'], []],
  ['one waits for its next try: nothing is made instead', 1, ['0 b failing hopeless'], []],
  ['one more is wanted', 2, ['0 b ready'], ['start 1 b']],
  ['one is missing in the middle', 3, ['0 b ready', '2 b ready'], ['start 1 b']],
  ['one less is wanted: the highest goes', 1, ['0 b ready', '1 b ready'], ['end 1']],
  ['one less is wanted, and one fails: that goes', 1, ['0 b failing', '1 b ready'], ['end 0']],
  ['none is wanted', 0, ['0 b ready', '1 b coming'], ['end 1', 'end 0']],
  ['none is wanted, and an older one runs', 0, ['0 a ready'], ['end 0']],
  ['its place is not free yet', 1, ['0 b leaving'], []],
])('%s', (_situation, replicas, instances, expected) => {
  expect(steps({ replicas }, instances)).toEqual(expected);
});

it.each<[situation: string, change: Partial<RolloutSituation>, instances: string[], expected: string[]]>([
  ['is it there what the new one needs?', {}, ['0 a ready'], ['prepare']],
  ['it is: the old one ends', { prepared: true }, ['0 a ready'], ['end 0']],
  ['the old one is still there', { prepared: true }, ['0 a leaving'], []],
  ['the old one is gone', { prepared: true }, [], ['start 0 b']],
  ['an old one that fails ends at once', {}, ['0 a failing hopeless'], ['end 0']],
  ['an unhealthy one may still be of use', {}, ['0 a unready'], ['prepare']],
  ['an old one that never started ends at once', {}, ['0 a coming'], ['end 0']],
  ['all at once', { replicas: 2, prepared: true }, ['0 a ready', '1 a ready'], ['end 0', 'end 1']],
  ['each place as soon as it is free', { replicas: 2, prepared: true }, ['0 a leaving'], ['start 1 b']],
  ['what it depends on is not Ready: the old one stays', { blocked: true, prepared: true }, ['0 a ready'], []],
  ['what waits for others has the old spec', { blocked: true }, ['0 a pending'], ['end 0']],
  ['what was ended for that is made anew, and waits', { blocked: true }, [], ['start 0 b']],
  ['restarted by hand', { prepared: true }, ['0 b! ready'], ['end 0']],
])('recreate: %s', (_situation, change, instances, expected) => {
  expect(steps(change, instances)).toEqual(expected);
});

it.each<[situation: string, change: Partial<RolloutSituation>, instances: string[], expected: string[]]>([
  ['the new one starts beside the old one', {}, ['0 a ready'], ['start 1 b']],
  ['it is coming', {}, ['0 a ready', '1 b coming'], []],
  ['it is ready: the old one ends', {}, ['0 a ready', '1 b ready'], ['end 0']],
  ['the old one is being drained', {}, ['0 a leaving', '1 b ready'], []],
  ['the next change takes the free place', { wanted: 'c' }, ['1 b ready'], ['start 0 c']],
  ['two: one at a time', { replicas: 2 }, ['0 a ready', '1 a ready'], ['start 2 b']],
  ['two: the first is ready', { replicas: 2 }, ['0 a ready', '1 a ready', '2 b ready'], ['end 0']],
  ['two: no more than one too many', { replicas: 2 }, ['0 a leaving', '1 a ready', '2 b ready'], []],
  ['two: then the second', { replicas: 2 }, ['1 a ready', '2 b ready'], ['start 0 b']],
  ['old ones that do not serve end at once', { replicas: 2 }, ['0 a failing', '1 a ready'], ['end 0']],
  ['a newer change ends what has not come up', { wanted: 'c' }, ['0 a ready', '1 b coming'], ['end 1']],
  ['it fails: the old one serves on', {}, ['0 a ready', '1 b failing'], []],
  ['it fails again and again: back', {}, ['0 a ready', '1 b failing hopeless'], ['back to a']],
  ['given up: it ends', { rejectedFor: 'a' }, ['0 a ready', '1 b failing hopeless'], ['end 1']],
  ['given up, one of two replaced', { replicas: 2, rejectedFor: 'a' }, ['1 a ready', '2 b ready'], ['start 0 a']],
  ['given up, and all is as before', { rejectedFor: 'a' }, ['0 a ready'], []],
  ['given up, and the old one dies: it comes back', { rejectedFor: 'a' }, [], ['start 0 a']],
  ['it runs, but its tool never answers: back', {}, ['0 a ready', '1 b unready hopeless'], ['back to a']],
  ['an old one that is unhealthy serves until the new one is ready', {}, ['0 a unready', '1 b coming'], []],
  ['an old one that is unhealthy ends then', {}, ['0 a unready', '1 b ready'], ['end 0']],
  ['nothing to go back to', {}, ['0 b failing hopeless'], []],
  ['restarted by hand and failing: there is no other spec', {}, ['0 b! ready', '1 b failing hopeless'], []],
  ['what it depends on is not Ready', { blocked: true }, ['0 a ready'], []],
  ['fewer of a new one', { replicas: 1 }, ['0 a ready', '1 a ready'], ['end 0']],
])('rolling: %s', (_situation, change, instances, expected) => {
  expect(steps({ strategy: 'rolling', ...change }, instances)).toEqual(expected);
});

it.each<[situation: string, left: string[], instances: string[], expected: string[]]>([
  ['what runs with the wanted spec is taken over', ['1 b'], [], ['start 1 b', 'start 0 b']],
  ['in whatever place', ['5 b', '7 b', '9 b'], [], ['start 5 b', 'start 7 b']],
  ['what runs with another is not', ['1 a'], [], ['start 0 b', 'start 1 b']],
  ['what was taken over is there', ['1 b'], ['1 b coming'], ['start 0 b']],
])('left by an earlier daemon: %s', (_situation, texts, instances, expected) => {
  const left = texts.map(text => ({ ordinal: Number(text[0]), digest: text.slice(2) }));
  expect(steps({ replicas: 2, left }, instances)).toEqual(expected);
});

it.each<[situation: string, leftovers: number[], instances: string[], expected: string[]]>([
  ['what starts takes its place, which ends it', [2], [], ['start 2 b', 'start 0 b']],
  ['there is no room beside it', [2, 3], ['0 b ready'], ['start 2 b']],
  ['two in each other’s way', [3, 2], [], ['start 2 b', 'start 3 b']],
  ['what is on its way out is there still', [2], ['0 a leaving', '1 a leaving'], []],
  ['all are there already', [2], ['0 b ready', '1 b ready'], []],
])('what could not be ended counts: %s', (_situation, leftovers, instances, expected) => {
  expect(steps({ replicas: 2, leftovers }, instances)).toEqual(expected);
});

it('never has more than wanted and one, and never fewer that serve than wanted, whatever comes first', () => {
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  for (let run = 0; run < 300; run++) {
    const replicas = 1 + random(3);
    let all: Seen[] = Array.from({ length: replicas }, (_, ordinal) => seen(`${ordinal} a ready`));
    const situation = { wanted: 'b', replicas, strategy: 'rolling', blocked: false, prepared: false } as const;
    for (let turn = 0; turn < 200 && !isDone(all, replicas); turn++) {
      for (const step of rollout({ ...situation, seen: all })) {
        if (step.do === 'start') all = [...all, seen(`${step.ordinal} ${step.digest} coming`)];
        if (step.do === 'end')
          all = all.map(one => (one.ordinal === step.ordinal ? { ...one, phase: 'leaving' } : one));
      }
      expect(all.length).toBeLessThanOrEqual(replicas + 1);
      expect(all.filter(({ phase }) => phase === 'ready').length).toBeGreaterThanOrEqual(replicas);
      const moved = all[random(all.length)];
      if (moved?.phase === 'coming') all = all.map(one => (one === moved ? { ...one, phase: 'ready' } : one));
      if (moved?.phase === 'leaving') all = all.filter(one => one !== moved);
    }
    expect(isDone(all, replicas)).toBe(true);
  }
});

function isDone(all: readonly Seen[], replicas: number): boolean {
  return all.length === replicas && all.every(({ digest, phase }) => digest === 'b' && phase === 'ready');
}
