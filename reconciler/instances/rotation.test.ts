import { expect, it } from 'vitest';
import { systemClock } from '../../host/index.ts';
import type { Instance } from './instance.ts';
import { createRotation, inRotation } from './rotation.ts';

/** `a` is ready, `b!` runs and is not, `c?` has no connection yet. */
function instances(...texts: string[]): Instance[] {
  return texts.map(text => {
    const [name = '', mark] = [text[0], text[1]];
    const upstream = mark === '?' ? undefined : { serverInfo: { name, version: '1' } };
    return { upstream, ready: mark === undefined, waits: false, blocked: undefined } as unknown as Instance;
  });
}

it.each<[situation: string, there: string[], given: string[]]>([
  ['each in turn', ['a', 'b'], ['a', 'b', 'a', 'b']],
  ['one that is not ready gets none while another is', ['a', 'b!', 'c'], ['a', 'c', 'a', 'c']],
  ['the only one that is ready gets all', ['a!', 'b', 'c?'], ['b', 'b', 'b', 'b']],
  ['when none is ready, whatever runs', ['a!', 'b?', 'c!'], ['a', 'c', 'a', 'c']],
])('%s', async (_situation, there, given) => {
  const all = instances(...there);
  const rotation = createRotation('s', () => all, systemClock);
  const names: (string | undefined)[] = [];
  for (let call = 0; call < 4; call++) names.push((await rotation.pick(1_000)).serverInfo?.name);
  expect(names).toEqual(given);
});

it('no call ever goes to one that is not ready while another is', () => {
  for (let mask = 0; mask < 27; mask++) {
    const marks = [mask % 3, Math.floor(mask / 3) % 3, Math.floor(mask / 9) % 3].map(digit => ['', '!', '?'][digit]);
    const all = instances(...marks.map((mark, index) => `${'abc'[index]}${mark}`));
    const pool = inRotation(all);
    if (all.some(({ ready }) => ready)) expect(pool.every(({ ready }) => ready)).toBe(true);
  }
});

it('a clock that is set back lets no call wait longer', async () => {
  let ticks = 0;
  const clock = {
    now: () => -ticks * 1_000_000,
    ticks: () => ticks,
    sleep: async (ms: number) => {
      ticks += ms;
    },
  };
  const rotation = createRotation('s', () => instances('a?'), clock);
  await expect(rotation.pick(500)).rejects.toMatchObject({ problem: { code: 'SERVER_UNREACHABLE' } });
  expect(ticks).toBe(500);
});
