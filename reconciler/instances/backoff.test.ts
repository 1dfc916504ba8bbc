import { expect, it } from 'vitest';
import { backoffDelay, defaultBackoff, failuresAfterDeath } from './backoff.ts';

it.each([
  ['first failing start', 1, 0.5, 30_000],
  ['fifth', 5, 0.5, 30_000],
  ['sixth', 6, 0.5, 300_000],
  ['hundredth', 100, 0.5, 300_000],
  ['shortest jitter', 1, 0, 27_000],
  ['longest jitter', 1, 1, 33_000],
])('%s waits', (_situation, failures, random, expected) => {
  expect(backoffDelay(defaultBackoff, failures, random)).toBe(expected);
});

it.each([
  ['the first death: restarted at once', 0, 100_000, undefined, 0],
  ['a second death within the window: a failing start', 0, 159_999, 100_000, 1],
  ['a third one: the next failing start', 1, 219_998, 159_999, 2],
  ['a death after the window: starts over', 3, 160_000, 100_000, 0],
])('%s', (_situation, failures, died, before, expected) => {
  expect(failuresAfterDeath(defaultBackoff, failures, died, before)).toBe(expected);
});
