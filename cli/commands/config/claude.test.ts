import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startGitServer } from '../../../tests/git-server.ts';
import {
  emptyRepository,
  projectFile,
  type SkillsMachine,
  skillFiles,
  skillsMachine,
} from '../../../tests/skills-machine.ts';
import { type TempRepository, tempRepository } from '../../../tests/temp-repository.ts';

let repository: TempRepository;
let machine: SkillsMachine;

beforeEach(() => {
  repository = tempRepository({
    ...emptyRepository,
    'projects/demo/project.yaml': projectFile(),
    ...skillFiles('skills/review'),
    ...skillFiles('projects/demo/skills/deploy'),
  });
  machine = skillsMachine();
  mkdirSync(machine.path('work'));
});
afterEach(() => {
  repository.remove();
  machine.remove();
});

const config = (...argv: string[]) => machine.run(['config', 'claude', '-p', 'demo', ...argv], machine.path('work'));
const settings = () => JSON.parse(machine.read('.claude/settings.json') ?? 'null');

/** What Claude Code does before a session: run what the settings say, with a poor PATH. */
function sessionStart(more: Record<string, string> = {}): { stdout: string; status: number | null; ms: number } {
  const [group] = settings().hooks.SessionStart;
  const started = performance.now();
  const { stdout, status } = spawnSync('/bin/sh', ['-c', group.hooks[0].command], {
    cwd: machine.path('work'),
    env: { HOME: machine.home, PATH: '/usr/bin:/bin', ...more },
    encoding: 'utf8',
  });
  return { stdout, status, ms: performance.now() - started };
}

describe('mcpctl config claude', () => {
  it('sets a folder up, and undoes all of it', async () => {
    machine.write('.claude/settings.json', '{\n  "model": "opus"\n}\n');
    machine.write('work/.mcp.json', '{\n  "mcpServers": {\n    "mine": { "command": "x" }\n  }\n}\n');
    const { code, stderr } = await config('--from', repository.bare);
    expect(code, stderr).toBe(0);
    expect(machine.read('work/.mcpctl-project')).toBe('demo\n');
    expect(JSON.parse(machine.read('work/.mcp.json') ?? '').mcpServers).toMatchObject({ demo: { command: 'mcpctl' } });
    expect(machine.names('work/.claude/skills')).toEqual(['deploy']);
    expect(machine.names('.claude/skills')).toEqual(['review']);
    expect(settings().hooks.SessionStart).toHaveLength(1);
    await config();
    expect(settings().hooks.SessionStart).toHaveLength(1);

    const removed = await config('--remove');
    expect(removed.code, removed.stderr).toBe(0);
    expect(machine.read('.claude/settings.json')).toBe('{\n  "model": "opus"\n}\n');
    expect(machine.read('work/.mcp.json')).toBe('{\n  "mcpServers": {\n    "mine": { "command": "x" }\n  }\n}\n');
    expect(existsSync(machine.path('work/.mcpctl-project'))).toBe(false);
    expect(machine.names('work/.claude/skills')).toEqual([]);
    expect(machine.names('.claude/skills')).toEqual([]);
  });

  it.each<[what: string, project: string, from: string | undefined, told: string]>([
    ['a project that is not there', 'typo', undefined, 'SKILLS_PROJECT_UNKNOWN'],
    ['a source that cannot be read', 'demo', '/nonexistent', 'REMOTE_NOT_FOUND'],
  ])('writes nothing for %s, and the right one can be named then', async (_what, project, from, told) => {
    const set = (name: string, place: string) =>
      machine.run(['config', 'claude', '-p', name, '--from', place], machine.path('work'));
    const { code, stderr } = await set(project, from ?? repository.bare);
    expect([code, stderr]).toEqual([1, expect.stringContaining(told)]);
    expect(machine.names('work')).toEqual([]);
    expect(machine.read('.mcpctl/hooks.json') ?? '').not.toContain(project);
    const right = await set('demo', repository.bare);
    expect(right.code, right.stderr).toBe(0);
    expect(machine.read('work/.mcpctl-project')).toBe('demo\n');
    expect(machine.read('work/.mcp.json')).toContain('demo');
  });

  it('an entry that somebody else has is refused before skills are installed', async () => {
    machine.write('work/.mcp.json', '{"mcpServers": {"demo": {"command": "x"}}}');
    const { code, stderr } = await config('--from', repository.bare);
    expect([code, stderr]).toEqual([1, expect.stringContaining('CLIENT_ENTRY_TAKEN')]);
    expect(machine.names('work')).toEqual(['.mcp.json']);
    expect(machine.names('.claude')).toEqual([]);
  });

  it('with --skip-skills touches no skills', async () => {
    expect((await config('--skip-skills')).code).toBe(0);
    expect(machine.names('.claude')).toEqual([]);
    expect(machine.read('work/.mcpctl-project')).toBe('demo\n');
  });

  const mine = '{\n  "mcpServers": {\n    "mine": { "command": "x" }\n  }\n}\n';
  it.each<[how: string, argv: string[], file: string]>([
    ['in the folder', [], 'work/.mcp.json'],
    ['under another name', ['--name', 'tools'], 'work/.mcp.json'],
    ['in the user’s file', ['--scope', 'user', '--name', 'tools'], '.claude.json'],
  ])('what --skip-skills wrote %s is undone by a bare --remove', async (_how, argv, file) => {
    machine.write(file, mine);
    chmodSync(machine.path(file), 0o600);
    expect((await config('--skip-skills', ...argv)).code).toBe(0);
    expect(machine.read(file)).not.toBe(mine);
    const removed = await config('--remove');
    expect([removed.code, removed.stdout]).toEqual([0, `${machine.path(file)}\n`]);
    expect(machine.read(file)).toBe(mine);
    expect(statSync(machine.path(file)).mode & 0o777).toBe(0o600);
    expect(existsSync(machine.path('work/.mcpctl-project'))).toBe(false);
    expect(machine.read('.mcpctl/hooks.json')).not.toContain('demo');
  });

  it('--remove leaves what export wrote for another client in the same folder', async () => {
    await machine.run(['export', '-p', 'demo', '--client', 'cursor', '--write'], machine.path('work'));
    await config('--skip-skills');
    await config('--remove');
    expect(machine.read('work/.cursor/mcp.json')).toContain('demo');
    expect((await machine.run(['uninstall', '--yes'])).code).toBe(0);
    expect(machine.read('work/.cursor/mcp.json')).toBeUndefined();
  });

  it.each([
    ['no servers', '{\n\t"x": 1\n}\n', '{\n\t"x": 1\n}\n'],
    [
      'a comment among the servers',
      '{"x": 1, "mcpServers": { /* mine */ }}',
      expect.stringMatching(/"x": 1, "mcpServers": \{ \/\* mine \*\/\s*\}/),
    ],
  ])('a file with %s keeps nothing of ours', async (_situation, before, after) => {
    machine.write('work/.mcp.json', before);
    expect((await config('--skip-skills')).code).toBe(0);
    expect(machine.read('work/.mcp.json')).toContain('mcpctl');
    await config('--remove');
    expect(machine.read('work/.mcp.json')).toEqual(after);
  });

  it('--remove takes nothing away while the file cannot be read, and all of it once it can', async () => {
    await config('--from', repository.bare);
    const whole = machine.read('work/.mcp.json') ?? '';
    machine.write('work/.mcp.json', '{broken');
    const refused = await config('--remove');
    expect([refused.code, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toContain(`${machine.path('work/.mcp.json')}:1:`);
    expect(refused.stderr).toContain('CLIENT_FILE_INVALID');
    expect(refused.stderr).not.toContain('any more');
    expect(machine.read('work/.mcp.json')).toBe('{broken');
    expect(machine.names('work/.claude/skills')).toEqual(['deploy']);
    machine.write('work/.mcp.json', whole);
    expect((await config('--remove')).code).toBe(0);
    expect(machine.names('work')).not.toContain('.mcp.json');
    expect(machine.names('work/.claude/skills')).toEqual([]);
  });

  it('--remove names an entry of somebody else that it leaves', async () => {
    const theirs = '{"mcpServers": {"demo": {"command": "x"}}}';
    machine.write('work/.mcp.json', theirs);
    const { code, stderr, stdout } = await config('--remove');
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toContain(`\`demo\` in ${machine.path('work/.mcp.json')} is left`);
    expect(machine.read('work/.mcp.json')).toBe(theirs);
  });

  it.each([
    ['once', 1],
    ['again', 2],
  ])(
    'settings that are not understood, told %s, get the hook by the next sync after they are mended',
    async (_how, times) => {
      const PROMISE = 'skills are synced before each session';
      for (let time = 0; time < times; time++) {
        machine.write('.claude/settings.json', '{');
        const { code, stderr } = await config('--from', repository.bare);
        expect([code, stderr]).toEqual([0, expect.stringContaining('[SKILL_HOOKS_LEFT]')]);
        expect(stderr).not.toContain(PROMISE);
      }
      expect((await machine.sync()).stderr).toContain('SKILL_HOOKS_LEFT');
      machine.write('.claude/settings.json', '{}');
      expect((await machine.sync()).stderr).toBe('');
      expect(settings().hooks.SessionStart).toHaveLength(1);
      expect((await config()).stderr).toContain(PROMISE);
      expect(settings().hooks.SessionStart).toHaveLength(1);
      expect((await config('--remove')).code).toBe(0);
      expect(machine.read('.claude/settings.json')).toBe('{}');
    },
  );

  it('settings that the hook never got into keep nothing from being undone', async () => {
    machine.write('.claude/settings.json', '{');
    await config('--from', repository.bare);
    expect((await machine.run(['uninstall', '--yes'])).code).toBe(0);
    expect(machine.read('.claude/settings.json')).toBe('{');
    expect(machine.names('.mcpctl')).toEqual([]);
  });

  it('a folder of another project is refused before anything is written', async () => {
    machine.write('work/.mcpctl-project', 'other\n');
    const { code, stderr } = await config('--skip-skills');
    expect({ code, told: stderr.includes('FILE_EXISTS') }).toEqual({ code: 1, told: true });
    expect(machine.names('work')).toEqual(['.mcpctl-project']);
  });

  it('an entry that two folders have goes with the last of them', async () => {
    const user = ['--skip-skills', '--scope', 'user'];
    const second = (...argv: string[]) =>
      machine.run(['config', 'claude', '-p', 'demo', ...argv], machine.path('second'));
    mkdirSync(machine.path('second'));
    await config(...user);
    await second(...user);
    await config('--remove');
    expect(machine.read('.claude.json')).toContain('demo');
    await second('--remove');
    expect(machine.read('.claude.json')).toBeUndefined();
  });

  it('of two projects, taking one away leaves the other its hook and its skills', async () => {
    repository.commit({ 'projects/two/project.yaml': projectFile(), ...skillFiles('projects/two/skills/other') });
    mkdirSync(machine.path('second'));
    await config('--from', repository.bare);
    await machine.run(['config', 'claude', '-p', 'two'], machine.path('second'));
    await config('--remove');
    expect(settings().hooks.SessionStart).toHaveLength(1);
    expect(machine.names('second/.claude/skills')).toEqual(['other']);
    expect(machine.names('.claude/skills')).toEqual(['review']);
  });
});

describe('the hook before a session', () => {
  it('says that skills are to be read again only when something changed, and asks nobody while the last answer counts', async () => {
    const server = await startGitServer({ root: repository.folder });
    try {
      await config('--from', `${server.url}/remote.git`);
      const asked = server.requests.length;
      expect(sessionStart()).toMatchObject({ stdout: '', status: 0 });
      expect(server.requests.length).toBe(asked);
    } finally {
      await server.close();
    }
  });

  it('installs what is new in that same session', async () => {
    await config('--from', repository.bare);
    const file = '.mcpctl/skills.json';
    machine.write(
      file,
      (machine.read(file) ?? '')
        .replace('"freshnessSec": 60', '"freshnessSec": 0')
        .replace('"budgetMs": 1000', '"budgetMs": 20000'),
    );
    repository.commit(skillFiles('skills/fresh'));
    expect(JSON.parse(sessionStart().stdout)).toEqual({
      hookSpecificOutput: { hookEventName: 'SessionStart', reloadSkills: true },
    });
    expect(machine.names('.claude/skills')).toEqual(['fresh', 'review']);
    expect(sessionStart()).toMatchObject({ stdout: '', status: 0 });
  });

  it('waits for a remote that does not answer only twice, then leaves it to the background', async () => {
    await config('--from', repository.bare);
    // Takes connections and never answers.
    const hole = createServer(() => undefined);
    await new Promise<void>(resolve => hole.listen(0, '127.0.0.1', () => resolve()));
    const url = `http://127.0.0.1:${(hole.address() as AddressInfo).port}/x.git`;
    const file = '.mcpctl/skills.json';
    const setTo = (from: string, budgetMs = 1_000) => {
      const value = { ...JSON.parse(machine.read(file) ?? ''), from, freshnessSec: 0, budgetMs };
      machine.write(file, JSON.stringify(value));
    };
    setTo(url);
    try {
      const misses = () => JSON.parse(machine.read('.mcpctl/sync/checked.json') ?? '{}').misses;
      expect(sessionStart()).toMatchObject({ stdout: '', status: 0 });
      expect(misses()).toBe(1);
      sessionStart();
      expect(misses()).toBe(2);
      sessionStart();
      expect(misses()).toBe(2);
    } finally {
      for (const pid of backgroundSyncs()) process.kill(pid, 'SIGKILL');
      hole.close();
    }
    // It answers again: the background finds that out, and the next session waits for it again.
    setTo(repository.bare, 30_000);
    const done = () => JSON.parse(machine.read('.mcpctl/sync/checked.json') ?? '{}').misses === 0;
    sessionStart();
    for (let turn = 0; turn < 600 && !done(); turn++) await sleep(50);
    expect(done()).toBe(true);
  });

  it('ends at the budget, whatever is still under way, and the background goes on', async () => {
    await config('--from', repository.bare);
    const file = '.mcpctl/skills.json';
    machine.write(file, JSON.stringify({ ...JSON.parse(machine.read(file) ?? ''), freshnessSec: 0, budgetMs: 1 }));
    repository.commit(skillFiles('skills/fresh'));
    expect(sessionStart()).toMatchObject({ stdout: '', status: 0 });
    const done = () => machine.names('.claude/skills').includes('fresh');
    for (let turn = 0; turn < 600 && !done(); turn++) await sleep(50);
    expect(machine.names('.claude/skills')).toEqual(['fresh', 'review']);
    for (let turn = 0; turn < 200 && backgroundSyncs().length > 0; turn++) await sleep(50);
  });

  it('without a configuration is quiet', async () => {
    await config('--from', repository.bare);
    machine.write('.mcpctl/skills.json', '{"trust": 7}');
    expect(sessionStart()).toMatchObject({ stdout: '', status: 0 });
  });
});

function backgroundSyncs(): number[] {
  try {
    const text = execFileSync('pgrep', ['-f', `sync/hook/main.ts --background`], { encoding: 'utf8' });
    return text
      .trim()
      .split('\n')
      .map(Number)
      .filter(pid => {
        const environment = spawnSync('cat', [`/proc/${pid}/environ`], { encoding: 'utf8' }).stdout;
        return environment.includes(`HOME=${machine.home}`);
      });
  } catch {
    return [];
  }
}
