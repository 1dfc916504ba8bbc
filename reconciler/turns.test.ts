import { expect, it } from 'vitest';
import { systemClock } from '../host/index.ts';
import { createTurns } from './turns.ts';

const HOUR = 3_600_000;

it('a thousand pokes while it works are one more turn', async () => {
  const turns = createTurns(systemClock, HOUR, Math.random);
  const { signal } = new AbortController();
  for (let i = 0; i < 1000; i++) turns.poke();
  expect(await turns.next(signal)).toBe('poke');
  let again = false;
  void turns.next(signal).then(() => {
    again = true;
  });
  await new Promise(resolve => setTimeout(resolve, 20));
  expect(again).toBe(false);
});

it('awaits the end of a burst, but a single poke never waits', async () => {
  const slept: number[] = [];
  const sleep = async (ms: number) => {
    slept.push(ms);
    if (slept.length < 4) turns.poke();
  };
  const turns = createTurns({ now: () => 0, ticks: () => 0, sleep }, HOUR, Math.random);
  const { signal } = new AbortController();
  turns.poke();
  expect(await turns.next(signal)).toBe('poke');
  expect(slept).toEqual([]);
  for (let i = 0; i < 4; i++) turns.poke();
  expect(await turns.next(signal)).toBe('poke');
  expect(slept).toEqual([250, 250, 250, 250]);
});

it('a burst without an end does not hold the loop', async () => {
  let slept = 0;
  const sleep = async () => {
    slept++;
    turns.poke();
  };
  const turns = createTurns({ now: () => 0, ticks: () => 0, sleep }, HOUR, Math.random);
  for (let i = 0; i < 4; i++) turns.poke();
  expect(await turns.next(new AbortController().signal)).toBe('poke');
  expect(slept).toBe(20);
});

it('a poke ends the wait', async () => {
  const turns = createTurns(systemClock, HOUR, Math.random);
  const next = turns.next(new AbortController().signal);
  turns.poke();
  expect(await next).toBe('poke');
});

it('without a poke it polls, and stopping ends the wait', async () => {
  expect(await createTurns(systemClock, 1, Math.random).next(new AbortController().signal)).toBe('poll');
  expect(await createTurns(systemClock, HOUR, Math.random).next(AbortSignal.abort())).toBe('poll');
});
