import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readHelp } from '../../cli/reference.ts';

const folder = join(import.meta.dirname, '..', '..', 'example-repo', '.github', 'workflows');
const files = globSync('*.yml', { cwd: folder }).sort();
const helps = await readHelp();

interface Step {
  uses?: string;
  run?: string;
}
interface Workflow {
  name: string;
  on: unknown;
  permissions: Record<string, string>;
  jobs: Record<string, { steps: Step[]; environment?: string; 'timeout-minutes': number }>;
}

function read(file: string): Workflow {
  return parse(readFileSync(join(folder, file), 'utf8'), { strict: true, uniqueKeys: true });
}

function steps(file: string): Step[] {
  return Object.values(read(file).jobs).flatMap(job => job.steps);
}

/** Each command of mcpctl in a script, as words. */
function commands(file: string): string[][] {
  const lines = steps(file).flatMap(({ run = '' }) => run.split('\n'));
  return lines.flatMap(line =>
    [...line.matchAll(/\bmcpctl ([^|;&]+)/g)].map(([, words = '']) => words.trim().split(/\s+/)),
  );
}

it('there are the three: validate, plan, release', () => {
  expect(files).toEqual(['plan.yml', 'release.yml', 'validate.yml']);
});

describe.each(files)('%s', file => {
  it('is a workflow: named as its file, with the fewest permissions, limits and steps', () => {
    const { name, on, permissions, jobs } = read(file);
    expect(`${name}.yml`).toBe(basename(file));
    expect(on).toBeTruthy();
    expect(permissions).not.toHaveProperty('write-all');
    expect(permissions.contents).toBe(file === 'release.yml' ? 'write' : 'read');
    for (const job of Object.values(jobs)) expect(job['timeout-minutes']).toBeGreaterThan(0);
  });

  it('pins every action by its commit', () => {
    const used = steps(file).flatMap(({ uses }) => uses ?? []);
    expect(used.length).toBeGreaterThan(0);
    for (const one of used) expect(one).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
  });

  it('puts nothing of an event into a script', () => {
    for (const { run = '' } of steps(file)) expect(run).not.toContain('${{');
  });

  it('calls commands that there are, with options that they have', () => {
    const called = commands(file);
    expect(called.length).toBeGreaterThan(0);
    for (const words of called) {
      const names = [`mcpctl ${words.slice(0, 2).join(' ')}`, `mcpctl ${words[0]}`];
      const help = names.map(name => helps.find(one => one.name === name)).find(one => one !== undefined);
      expect(help, words.join(' ')).toBeDefined();
      const known = help?.command.options.map(({ long }) => long);
      for (const option of words.filter(word => word.startsWith('--')))
        expect(known, words.join(' ')).toContain(option);
    }
  });
});

it('a release waits for the people of its environment', () => {
  expect(read('release.yml').on).toEqual({ workflow_dispatch: null });
  expect(Object.values(read('release.yml').jobs).map(({ environment }) => environment)).toEqual(['release']);
});
