import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { seededRandom } from '../seeded-random.ts';
import { emptyRepository, type SkillsMachine, skillFiles, skillsMachine } from '../skills-machine.ts';
import { type Files, tempRepository } from '../temp-repository.ts';

const seed = Number(process.env.MCPCTL_FAULT_SEED ?? 1);
const kills = Number(process.env.MCPCTL_FAULT_ROUNDS ?? 8);
const program = join(import.meta.dirname, '..', '..', 'cli', 'sync', 'hook', 'main.ts');
const NAMES = ['alpha', 'beta', 'gamma', 'delta'];
const FILES = 12;
/** Longer than a sync takes, so that kills come before, during and after everything. Milliseconds. */
const LATEST_KILL_MS = 900;

const title = `killed outright at ${kills} random moments (seed ${seed}), a sync leaves no skill torn, and the next one repairs`;

it.skipIf(process.platform === 'win32')(title, { timeout: 60_000 + kills * 5_000 }, async () => {
  const repository = tempRepository({ ...emptyRepository, ...release(0) });
  const machine = skillsMachine();
  const random = seededRandom(seed);
  const settings = '{\n  // mine\n  "model": "opus"\n}\n';
  let torn = 0;
  try {
    machine.write('.claude/settings.json', settings);
    const first = await machine.sync(['--from', repository.bare]);
    expect(first.report.errors).toEqual([]);
    machine.write('.claude/skills/alpha/notes.md', 'my notes');
    for (let round = 1; round <= kills; round++) {
      repository.commit(release(round));
      torn += await killedSync(machine, random() * LATEST_KILL_MS);
      if (round % 4 !== 0 && round !== kills) continue;
      const { report } = await machine.sync();
      expect(report.errors, `round ${round}`).toEqual([]);
      for (const name of NAMES) expect(versionOf(machine, name), `${name} in round ${round}`).toBe(String(round));
      expect(JSON.stringify(machine.read('.claude/settings.json'))).toContain('// mine');
      expect(machine.read('.claude/skills/alpha/notes.md')).toBe('my notes');
      expect(leftovers(machine)).toEqual([]);
    }
    expect(torn).toBe(0);
    // Every byte of the settings that is not ours is what it was.
    repository.commit(Object.fromEntries(NAMES.map(name => [`skills/${name}/skill.yaml`, null])));
    await machine.sync();
    expect(machine.read('.claude/settings.json')).toBe(settings);
  } finally {
    repository.remove();
    machine.remove();
  }
});

/** Every file of every skill says which version it is of; each has hooks, too. */
function release(version: number): Files {
  const hooks = `apiVersion: mcpctl.dev/v1\nkind: Skill\nspec:\n  hooks:\n    Stop:\n      - command: echo ${version}\n`;
  const files = Object.fromEntries(
    Array.from({ length: FILES }, (_, index) => [`data/${index}.txt`, `version ${version}`]),
  );
  return Object.assign(
    {},
    ...NAMES.map(name => skillFiles(`skills/${name}`, `version ${version}`, { ...files, 'skill.yaml': hooks })),
  );
}

/** Let a sync run, read what it works on all the while, kill it. @returns how often a skill was found torn */
async function killedSync(machine: SkillsMachine, ms: number): Promise<number> {
  const env = { ...machine.env, MCPCTL_HOME: machine.path('.mcpctl') };
  const child = spawn(process.execPath, [program, '--background'], {
    cwd: machine.home,
    env,
    stdio: 'ignore',
    detached: true,
  });
  const ended = once(child, 'exit');
  const deadline = performance.now() + ms;
  let torn = 0;
  while (performance.now() < deadline && child.exitCode === null) {
    torn += NAMES.filter(name => versionOf(machine, name) === 'torn').length;
    await nextTurn();
  }
  try {
    process.kill(-(child.pid ?? 0), 'SIGKILL');
  } catch {
    // It had ended by itself.
  }
  await ended;
  return torn + NAMES.filter(name => versionOf(machine, name) === 'torn').length;
}

/** The version that all files of a skill are of, as a client reads it: the link once, then every file. */
function versionOf(machine: SkillsMachine, name: string): string {
  const entry = machine.path('.claude/skills', name);
  if (!lstatSync(entry, { throwIfNoEntry: false })?.isSymbolicLink()) return 'torn';
  const live = readlinkSync(entry);
  const versions = new Set<string>();
  try {
    versions.add(/version (\d+)/.exec(readFileSync(join(live, 'SKILL.md'), 'utf8'))?.[1] ?? 'none');
    for (let index = 0; index < FILES; index++) {
      versions.add(readFileSync(join(live, `data/${index}.txt`), 'utf8').slice('version '.length));
    }
  } catch {
    return 'torn';
  }
  return versions.size === 1 ? ([...versions][0] ?? 'torn') : 'torn';
}

/** What a killed sync left and the next one should have tidied. */
function leftovers(machine: SkillsMachine): string[] {
  const folders = [
    '.claude',
    '.claude/skills',
    '.mcpctl/store',
    ...machine.names('.mcpctl/live').map(name => `.mcpctl/live/${name}`),
  ];
  return folders.flatMap(folder => readdirSync(machine.path(folder)).filter(name => /\.(?:tmp|old)$/.test(name)));
}
