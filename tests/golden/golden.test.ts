import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readHelp } from '../../cli/reference.ts';
import { mcpctl } from '../command-line.ts';
import { condition, startUp, type UpProcess } from '../e2e/daemon.ts';
import { writeFiles } from '../temp-repository.ts';
import { type GoldenCase, goldenCases, withoutGolden } from './cases.ts';
import { shownOutcome } from './outcome.ts';
import { makeGoldenRepository } from './repository.ts';

/** With `GOLDEN=write` in the environment, what comes out is written instead of compared. */
const WRITE = process.env.GOLDEN === 'write';
const expected = join(import.meta.dirname, 'expected');

let folder: string;
let original: string;
let home: string;
let daemon: UpProcess;
beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcpctl-golden-')));
  original = join(folder, 'original');
  home = join(folder, 'home');
  mkdirSync(home, { mode: 0o700 });
  makeGoldenRepository(original);
  const stateDir = join(home, 'state', 'golden');
  daemon = await startUp({ repository: join(original, '.git'), stateDir, env: { MCPCTL_HOME: home } });
  await daemon.until('Ready', status => condition(status, 'Ready') === 'True');
}, 60_000);
afterAll(async () => {
  await daemon.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function run({
  name,
  argv,
  files,
  before = [],
  stdin,
  env,
  daemon: live,
  outside,
  freshHome,
}: GoldenCase): Promise<string> {
  const place = join(folder, 'case');
  const cwd = join(place, 'ai');
  const own = freshHome ? join(place, 'home') : home;
  rmSync(place, { recursive: true, force: true });
  mkdirSync(join(place, 'home'), { recursive: true, mode: 0o700 });
  cpSync(original, cwd, { recursive: true });
  if (files) writeFiles(cwd, files);
  // What does not ask the daemon must not be different because there is one.
  const known = live ? { MCPCTL_HOME: home } : { MCPCTL_HOME: own === home ? join(place, 'home') : own };
  const all = { PATH: process.env.PATH, HOME: join(place, 'user'), GIT_CONFIG_GLOBAL: '/dev/null', ...known, ...env };
  const options = { cwd: outside ? place : cwd, env: all, ...(stdin !== undefined && { stdin }) };
  for (const words of before) {
    const { code, stderr } = await mcpctl(words, options);
    if (code !== 0) throw new Error(`${name}: mcpctl ${words.join(' ')} exits ${code}: ${stderr}`);
  }
  const folders = { [cwd]: '<repository>', [known.MCPCTL_HOME]: '<home>', [place]: '<place>', [original]: '<remote>' };
  return shownOutcome(argv, await mcpctl(argv, options), { folders });
}

describe('the command line prints what it did', () => {
  it.each(goldenCases.map(one => [one.name, one] as const))('%s', async (name, one) => {
    const file = join(expected, `${name}.txt`);
    const shown = await run(one);
    if (WRITE) writeFileSync(file, shown);
    expect(shown).toBe(readFileSync(file, 'utf8'));
  });

  it('has no golden file without a case', () => {
    const names = new Set(goldenCases.map(({ name }) => `${name}.txt`));
    expect(names.size).toBe(goldenCases.length);
    const others = readdirSync(expected).filter(file => !names.has(file));
    if (WRITE) for (const file of others) rmSync(join(expected, file));
    else expect(others).toEqual([]);
  });
});

function isExcused(name: string): boolean {
  return Object.keys(withoutGolden).some(one => name === one || name.startsWith(`${one} `));
}

describe('every command', async () => {
  const helps = (await readHelp()).filter(({ command }) => command.commands.length === 0);
  const of = (name: string) => goldenCases.filter(({ argv }) => `mcpctl ${argv.join(' ')} `.startsWith(`${name} `));

  it.each(helps.map(help => [help.name, help] as const))(
    '%s has a golden output in text and in JSON, or a reason not to',
    (name, { command }) => {
      const cases = of(name).map(({ argv }) => argv.join(' ').endsWith('-o json'));
      const formats = command.options.find(({ long }) => long === '--output')?.argChoices ?? [];
      const missing = [
        ...(cases.includes(false) ? [] : ['text']),
        ...(cases.includes(true) || !formats.includes('json') ? [] : ['json']),
      ];
      const hint = 'add it to tests/golden/cases.ts and run GOLDEN=write npx vitest run tests/golden';
      expect(isExcused(name) ? [] : missing, hint).toEqual([]);
    },
  );

  it('with a reason not to have one is there, and has none', () => {
    const there = (name: string) => helps.some(help => help.name === name || help.name.startsWith(`${name} `));
    expect(Object.keys(withoutGolden).filter(name => !there(name) || of(name).length > 0)).toEqual([]);
  });
});
