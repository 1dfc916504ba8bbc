import { execFileSync } from 'node:child_process';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { emptyRepository, type SkillsMachine, skillFiles, skillsMachine } from '../../../tests/skills-machine.ts';
import { type Files, type TempRepository, tempRepository } from '../../../tests/temp-repository.ts';

let repository: TempRepository;
let machine: SkillsMachine;

const yaml = (spec: string) => `apiVersion: mcpctl.dev/v1\nkind: Skill\nspec:\n  ${spec}\n`;
const withScript = (script: string, spec = 'postInstall: setup.sh'): Files =>
  skillFiles('skills/review', 'R.', { 'skill.yaml': yaml(spec), 'setup.sh': script });
const LOG = '.mcpctl/skills/review/install.log';

beforeEach(() => {
  repository = tempRepository(emptyRepository);
  machine = skillsMachine();
});
afterEach(() => {
  repository.remove();
  machine.remove();
});

async function sync(script?: string, spec?: string, argv: string[] = []) {
  if (script !== undefined) repository.commit(withScript(script, spec));
  return machine.sync(['--from', repository.bare, ...argv]);
}
const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('postInstall', () => {
  it('runs once, in the skill’s folder, with a curated environment and no input', async () => {
    machine.env.ANTHROPIC_API_KEY = 'secret';
    machine.env.USER = 'ada';
    const { report } = await sync('#!/bin/sh\nenv | sort > env.txt; pwd -P; cat; echo "$0"\n');
    expect(report).toMatchObject({ postInstallsRan: ['skill/review'], errors: [] });
    const names = (machine.read('.claude/skills/review/env.txt') ?? '').split('\n').map(line => line.split('=')[0]);
    expect(names.filter(name => !['', 'PWD', 'OLDPWD', 'SHLVL', '_'].includes(name ?? ''))).toEqual([
      ...['HOME', 'MCPCTL_SKILL_DIR', 'MCPCTL_SKILL_NAME', 'MCPCTL_SKILL_VERSION', 'PATH', 'USER'],
    ]);
    expect(machine.read(LOG)).toContain(machine.path('.mcpctl/live/'));
    expect(machine.read(LOG)).not.toContain('secret');
    const again = await sync();
    expect(again.report).toMatchObject({ postInstallsRan: [], postInstallsSkipped: ['skill/review'] });
    // Another file of the skill changed, but not the script.
    repository.commit(skillFiles('skills/review', 'Other.'));
    expect((await sync()).report).toMatchObject({ updated: ['skill/review'], postInstallsRan: [] });
    // What it had made went along, and goes with the skill.
    expect(machine.read('.claude/skills/review/env.txt')).toContain('HOME=');
    repository.commit({ 'skills/review': null, ...skillFiles('skills/other') });
    await sync();
    expect(machine.names('.mcpctl/kept')).toEqual([]);
    expect((await sync('#!/bin/sh\ntrue # new\n')).report.postInstallsRan).toEqual(['skill/review']);
  });

  it('that fails is an error of that skill, and is run again', async () => {
    const { code, report } = await sync('echo no luck; exit 3\n');
    expect(code).toBe(0);
    expect(report.errors).toMatchObject([{ code: 'SKILL_SCRIPT_FAILED', resource: 'skill/review' }]);
    expect(report.errors[0]?.message).toContain('exit 3');
    expect(machine.read(LOG)).toContain('no luck');
    expect((await sync()).report).toMatchObject({ postInstallsRan: ['skill/review'], errors: [{}] });
  });

  it('that takes too long is ended with all that it started', async () => {
    const { report } = await sync(
      `#!/bin/sh\ntrap '' TERM\necho $$ > pid; sh -c 'trap "" TERM; while :; do sleep 1; done' &\necho $! > child\nwhile :; do sleep 1; done\n`,
      'postInstall: setup.sh\n  postInstallTimeoutSec: 1',
    );
    expect(report.errors[0]?.message).toContain('longer than 1 s');
    const pids = ['pid', 'child'].map(name => Number(machine.read(`.claude/skills/review/${name}`)));
    while (pids.some(isAlive)) await sleep(20);
  });

  it('leaves nothing running', async () => {
    const { report } = await sync('#!/bin/sh\nsleep 1000 &\necho $! > child\n');
    expect(report.errors).toEqual([]);
    const child = Number(machine.read('.claude/skills/review/child'));
    while (isAlive(child)) await sleep(20);
  });

  it('does not answer for what it left behind, however long that takes to end', async () => {
    const { report } = await sync(
      `#!/bin/sh\nsh -c 'trap "" TERM; echo $$ > child; while :; do sleep 1; done' &\nwhile [ ! -s child ]; do sleep 0.1; done\n`,
      'postInstall: setup.sh\n  postInstallTimeoutSec: 2',
    );
    expect(report.errors).toEqual([]);
    const child = Number(machine.read('.claude/skills/review/child'));
    while (isAlive(child)) await sleep(20);
  });

  it('whose bytes were changed on this disk is not run', async () => {
    await sync('exit 1\n');
    writeFileSync(machine.path('.claude/skills/review/setup.sh'), 'touch ran\n');
    const { report } = await sync();
    expect(report.errors.map(({ message }) => message)).toEqual([expect.stringContaining('its bytes are not')]);
    expect(existsSync(machine.path('.claude/skills/review/ran'))).toBe(false);
  });

  it('writes a log of bounded size', async () => {
    await sync('#!/bin/sh\nhead -c 2000000 /dev/zero | tr "\\\\0" x\n');
    const names = machine.names('.mcpctl/skills/review').filter(name => name.startsWith('install.log'));
    expect(names).toHaveLength(5);
    for (const name of names)
      expect(statSync(machine.path('.mcpctl/skills/review', name)).size).toBeLessThanOrEqual(262_144);
  });

  it('with --skip-postinstall waits for the next time', async () => {
    const first = await sync('true\n', undefined, ['--skip-postinstall']);
    expect(first.report).toMatchObject({ postInstallsRan: [], postInstallsSkipped: ['skill/review'] });
    expect((await machine.sync()).report.postInstallsRan).toEqual(['skill/review']);
  });
});

describe('preUninstall', () => {
  it('runs before the skill goes, which goes even when it fails', async () => {
    await sync(`#!/bin/sh\ncp SKILL.md "$HOME/seen"; exit 4\n`, 'preUninstall: setup.sh');
    repository.commit({ 'skills/review': null, ...skillFiles('skills/other') });
    const { report } = await sync();
    expect(report).toMatchObject({ removed: ['skill/review'], errors: [{ code: 'SKILL_SCRIPT_FAILED' }] });
    expect(machine.read('seen')).toContain('R.');
    expect(machine.names('.claude/skills')).toEqual(['other']);
  });
});

const canSandbox = (() => {
  try {
    execFileSync('bwrap', ['--ro-bind', '/', '/', '--unshare-all', '--', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe('--sandbox', () => {
  it.skipIf(!canSandbox)('has no network, and writes only in the bundle (needs bwrap)', async () => {
    const script = `#!/bin/sh\ntouch inside; touch "$HOME/outside"; ls /sys/class/net > /dev/null; grep -c : /proc/net/dev > interfaces; ls /run > run; exit 0\n`;
    const { report } = await sync(script, undefined, ['--sandbox']);
    expect(report.errors).toEqual([]);
    expect(existsSync(machine.path('.claude/skills/review/inside'))).toBe(true);
    expect(existsSync(machine.path('outside'))).toBe(false);
    // Nothing but the loopback interface.
    expect(machine.read('.claude/skills/review/interfaces')?.trim()).toBe('1');
    // No socket to talk through; only where some system has its programs.
    expect(machine.read('.claude/skills/review/run')).toMatch(/^(?:(?:current-system|wrappers)\n)*$/);
  });

  it('without bwrap, the script is not run', async () => {
    machine.env.PATH = '/nonexistent';
    repository.commit(withScript('touch ran\n'));
    const { runScript } = await import('./run-script.ts');
    const { placesIn } = await import('../places.ts');
    machine.env.PATH = process.env.PATH;
    await machine.sync(['--from', repository.bare, '--skip-postinstall']);
    const [skill] = JSON.parse(machine.read('.mcpctl/skills-state.json') ?? '').skills;
    const request = {
      places: placesIn(machine.path('.mcpctl')),
      skill,
      kind: 'postInstall',
      project: undefined,
    } as const;
    const result = await runScript({
      ...{ ...request, env: { PATH: '/nonexistent' }, sandbox: true, signal: new AbortController().signal },
    });
    expect(result.trouble).toBe('bwrap is not installed');
    expect(existsSync(machine.path('.claude/skills/review/ran'))).toBe(false);
  });
});
