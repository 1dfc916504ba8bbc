import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mutants } from './mutants.ts';
import { simulate } from './simulation.ts';

/** Enough for each mutant to be noticed; a mutant is noticed by the first seeds or so. */
const SEEDS = 60;

it.each([1, 2, 3])('seed %s gives the same trace again', async seed => {
  const [once, again] = [await simulate(seed), await simulate(seed)];
  expect(once.trace.length).toBeGreaterThan(20);
  expect(again.trace).toEqual(once.trace);
  expect(again.digest).toBe(once.digest);
});

it('other seeds give other traces', async () => {
  expect((await simulate(5)).digest).not.toBe((await simulate(6)).digest);
});

it('nothing that must not happen does, in a few histories', () => {
  const { status, stdout, stderr } = run('--seed', '1', '--runs', '40');
  expect(stderr).toBe('');
  expect(stdout).toContain('40 runs kept every promise, 0 did not');
  expect(status).toBe(0);
});

it.each(Object.entries(mutants))('it would be noticed: %s', (name, { caughtBy, seed = 1 }) => {
  const { status, stdout, stderr } = run('--seed', String(seed), '--runs', String(SEEDS), '--mutant', name);
  expect(status).toBe(1);
  expect(stdout).toMatch(/, [12] did not$/m);
  const [, found] = /✗ seed \d+: (\w+):/.exec(stderr) ?? [];
  expect(caughtBy).toContain(found);
  expect(stderr).toMatch(/npm run test:simulate -- --seed \d+ --actions \d+/);
});

it('refuses what is no seed', () => {
  expect(run('--seed', 'abc').status).toBe(2);
});

function run(...args: string[]) {
  return spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { encoding: 'utf8' });
}
