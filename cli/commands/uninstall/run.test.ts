import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireLock } from '../../../host/index.ts';
import { mcpctl } from '../../../tests/command-line.ts';
import {
  emptyRepository,
  projectFile,
  type SkillsMachine,
  skillFiles,
  skillsMachine,
} from '../../../tests/skills-machine.ts';
import { type TempRepository, tempRepository } from '../../../tests/temp-repository.ts';

let folder: string;
let home: string;
let env: Record<string, string>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-uninstall-'));
  home = join(folder, '.mcpctl');
  env = { PATH: process.env.PATH ?? '', HOME: folder };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), 'x'.repeat(1000));
  }
}

const OURS = [
  'state/a/token',
  'state/a/lock-not',
  'packages/p/index.js',
  'cache/code/x',
  'config.yaml',
  'tokens/far',
  'ssh/known_hosts',
];

describe('mcpctl uninstall', () => {
  it('lists, and removes nothing, without --yes', async () => {
    put(...OURS, 'secrets/s', 'notes.txt');
    const { code, stdout, stderr } = await mcpctl(['uninstall'], { env });
    expect(code).toBe(0);
    expect(stdout.replaceAll(home, 'HOME').replace(/ {2,}/g, '  ')).toMatchInlineSnapshot(`
      "ACTION  PATH  SIZE  WHAT
      remove  HOME/cache  0.0 MiB  compiled code and parsed files
      remove  HOME/config.yaml  0.0 MiB  contexts
      keep  HOME/notes.txt  0.0 MiB  not written by mcpctl
      remove  HOME/packages  0.0 MiB  installed npm packages
      keep  HOME/secrets  0.0 MiB  secrets that you wrote
      remove  HOME/ssh  0.0 MiB  pinned keys of ssh hosts
      remove  HOME/state  0.0 MiB  state of daemons: mirrors, tokens, made-up secrets, files of servers
      remove  HOME/tokens  0.0 MiB  tokens of contexts
      "
    `);
    expect(stderr).toContain('mcpctl uninstall --yes');
    expect(OURS.every(path => existsSync(join(home, path)))).toBe(true);
  });

  it('removes what is mcpctl’s, and the folder with it', async () => {
    put(...OURS);
    const { code, stdout } = await mcpctl(['uninstall', '--yes', '-o', 'json'], { env });
    expect(code).toBe(0);
    const { removed, entries } = JSON.parse(stdout);
    expect(removed).toBe(true);
    expect(entries).toContainEqual({
      path: join(home, 'state'),
      bytes: 2000,
      what: expect.any(String),
      ours: true,
    });
    expect(existsSync(home)).toBe(false);
  });

  it('leaves what people wrote', async () => {
    put(...OURS, 'secrets/s', 'git-credentials', 'notes.txt');
    expect((await mcpctl(['uninstall', '--yes'], { env })).code).toBe(0);
    expect(readdirSync(home).sort()).toEqual(['git-credentials', 'notes.txt', 'secrets']);
  });

  it('does not follow a symbolic link', async () => {
    put('state/a/token');
    writeFileSync(join(folder, 'mine'), '');
    symlinkSync(folder, join(home, 'packages'));
    expect((await mcpctl(['uninstall', '--yes'], { env })).code).toBe(0);
    expect(existsSync(join(folder, 'mine'))).toBe(true);
    expect(existsSync(home)).toBe(false);
  });

  it('refuses while a daemon runs', async () => {
    put('state/a/token', 'state/b/token');
    const release = acquireLock(join(home, 'state', 'b', 'lock'));
    const { code, stderr } = await mcpctl(['uninstall', '--yes'], { env }).finally(release);
    expect(code).toBe(1);
    expect(stderr).toContain('a daemon runs on b [STATE_LOCKED]');
    expect(existsSync(join(home, 'state', 'a', 'token'))).toBe(true);
  });

  it.runIf(process.platform === 'linux')('refuses while a server of a killed daemon runs', async () => {
    put('state/a/instances/x/file');
    const cwd = join(home, 'state', 'a', 'instances', 'x');
    const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)'], {
      cwd,
      env: { HOME: cwd },
    });
    await new Promise(resolve => child.stdout.once('data', resolve));
    try {
      const { code, stderr } = await mcpctl(['uninstall', '--yes'], { env });
      expect(code).toBe(1);
      expect(stderr).toContain(`still run: process ${child.pid} [STATE_LOCKED]`);
      expect(existsSync(cwd)).toBe(true);
    } finally {
      await ended(child);
    }
  });

  it.each([
    ['the user’s home', () => folder],
    ['the root', () => '/'],
    [
      'a file',
      () => {
        writeFileSync(join(folder, 'file'), '');
        return join(folder, 'file');
      },
    ],
  ])('refuses a folder that cannot be its own: %s', async (_situation, own) => {
    mkdirSync(join(folder, 'state'));
    const { code, stderr } = await mcpctl(['uninstall', '--yes'], { env: { ...env, MCPCTL_HOME: own() } });
    expect(code).toBe(1);
    expect(stderr).toContain('[STATE_UNUSABLE]');
    expect(existsSync(join(folder, 'state'))).toBe(true);
  });

  it.each([
    ['there is nothing', () => {}],
    ['the folder is empty', () => mkdirSync(home)],
  ])('says so when %s', async (_situation, prepare) => {
    prepare();
    const { code, stdout, stderr } = await mcpctl(['uninstall'], { env });
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toContain('nothing of mcpctl’s');
  });
});

describe('mcpctl uninstall, where skills were synced', () => {
  let machine: SkillsMachine;
  let repository: TempRepository;
  const USER = '{\n  "model": "opus"\n}\n';
  const MINE = '{\n  "mcpServers": {\n    "mine": { "command": "x" }\n  }\n}\n';

  beforeEach(async () => {
    const hooks = 'apiVersion: mcpctl.dev/v1\nkind: Skill\nspec:\n  hooks:\n    Stop:\n      - command: date\n';
    repository = tempRepository({
      ...emptyRepository,
      'projects/demo/project.yaml': projectFile(),
      ...skillFiles('skills/review', 'Do it.', { 'skill.yaml': hooks }),
      ...skillFiles('projects/demo/skills/deploy', 'Do it.', { 'skill.yaml': hooks }),
    });
    machine = skillsMachine();
    machine.write('.claude/settings.json', USER);
    machine.write('work/.mcp.json', MINE);
    const argv = ['config', 'claude', '-p', 'demo', '--from', repository.bare];
    const { code, stderr } = await machine.run(argv, machine.path('work'));
    expect(code, stderr).toBe(0);
    expect(machine.read('.claude/settings.json')).toContain('SessionStart');
  });
  afterEach(() => {
    machine.remove();
    repository.remove();
  });

  it('leaves every folder as it was before', async () => {
    const listed = await machine.run(['uninstall', '-o', 'json']);
    const outside = JSON.parse(listed.stdout).entries.filter(
      ({ path }: { path: string }) => !path.startsWith(machine.path('.mcpctl')),
    );
    expect(outside.map(({ path }: { path: string }) => path.slice(machine.home.length + 1))).toEqual([
      '.claude/settings.json',
      '.claude/skills/review',
      'work/.claude/settings.local.json',
      'work/.claude/skills/deploy',
      'work/.mcp.json',
      'work/.mcpctl-project',
    ]);
    const { code, stderr } = await machine.run(['uninstall', '--yes']);
    expect(code, stderr).toBe(0);
    expect(machine.read('.claude/settings.json')).toBe(USER);
    expect(machine.read('work/.mcp.json')).toBe(MINE);
    expect(machine.names('.claude/skills')).toEqual([]);
    expect(machine.names('work/.claude/skills')).toEqual([]);
    expect(machine.names('work/.claude')).toEqual(['skills']);
    expect(existsSync(machine.path('work/.mcpctl-project'))).toBe(false);
    expect(existsSync(machine.path('.mcpctl'))).toBe(false);
  });

  it.each<[how: string, argv: string[], file: string]>([
    ['in a folder', [], 'other/.mcp.json'],
    ['under another name, in the user’s file', ['--scope', 'user', '--name', 'tools'], '.claude.json'],
  ])('takes out what was set up without skills %s', async (_how, argv, file) => {
    machine.write(file, MINE);
    machine.write('other/notes.txt', 'mine');
    const set = await machine.run(['config', 'claude', '-p', 'demo', '--skip-skills', ...argv], machine.path('other'));
    expect(set.code, set.stderr).toBe(0);
    expect(machine.read(file)).not.toBe(MINE);
    expect((await machine.run(['uninstall'])).stdout).toContain(machine.path(file));
    expect((await machine.run(['uninstall', '--yes'])).code).toBe(0);
    expect(machine.read(file)).toBe(MINE);
    expect(machine.names('other').filter(name => name !== '.mcp.json')).toEqual(['notes.txt']);
    expect(existsSync(machine.path('.mcpctl'))).toBe(false);
  });

  it.each<[client: string, file: string, before: string | undefined, argv: string[]]>([
    ['claude-code', 'other/.mcp.json', MINE, []],
    ['claude-desktop', '.config/Claude/claude_desktop_config.json', MINE, []],
    ['cursor', 'other/.cursor/mcp.json', undefined, ['--server', 'https://mcp.example.com']],
    ['gemini', 'other/.gemini/settings.json', '{ "theme": "x", "mcpServers": { "mine": { "command": "x" } } }\n', []],
    ['vscode', 'other/.vscode/mcp.json', undefined, []],
    [
      'vscode',
      'other/.vscode/mcp.json',
      '{\n  "servers": {\n    "mine": { "command": "x" }\n  }\n}\n',
      ['--server', 'https://mcp.example.com'],
    ],
    ['codex', '.codex/config.toml', 'model = "o"\n\n[mcp_servers.mine]\ncommand = "x"\n', []],
    ['codex', '.codex/config.toml', undefined, ['--server', 'https://mcp.example.com']],
  ])('takes out what export wrote for %s into %s', async (client, file, before, argv) => {
    if (before !== undefined) machine.write(file, before);
    machine.write('other/notes.txt', 'mine');
    const written = await machine.run(
      ['export', '-p', 'two', '--client', client, '--write', ...argv],
      machine.path('other'),
    );
    expect(written.code, written.stderr).toBe(0);
    expect(machine.read(file)).toContain('two');
    expect((await machine.run(['uninstall'])).stdout).toContain(machine.path(file));
    const { code, stderr } = await machine.run(['uninstall', '--yes']);
    expect(code, stderr).toBe(0);
    expect(machine.read(file)).toBe(before);
    expect(existsSync(machine.path('.mcpctl'))).toBe(false);
  });

  it('leaves an entry that stood there before, as in a repository that others share', async () => {
    const printed = await machine.run(['export', '-p', 'two', '--client', 'claude-code']);
    machine.write('other/.mcp.json', printed.stdout);
    await machine.run(['config', 'claude', '-p', 'two', '--skip-skills'], machine.path('other'));
    expect((await machine.run(['uninstall', '--yes'])).code).toBe(0);
    expect(machine.read('other/.mcp.json')).toBe(printed.stdout);
  });

  it('lets a skill that was edited become a plain folder', async () => {
    machine.write('.claude/skills/review/SKILL.md', 'mine');
    machine.write('.claude/skills/review/notes.md', 'also mine');
    const { code, stderr } = await machine.run(['uninstall', '--yes']);
    expect([code, stderr]).toEqual([0, expect.stringContaining('[SKILL_EDITED]')]);
    expect(lstatSync(machine.path('.claude/skills/review')).isDirectory()).toBe(true);
    expect(machine.read('.claude/skills/review/SKILL.md')).toBe('mine');
    expect(machine.read('.claude/skills/review/notes.md')).toBe('also mine');
    expect(existsSync(machine.path('.mcpctl'))).toBe(false);
  });

  it.each<[what: string, damage: (file: string) => void]>([
    ['is gone', file => rmSync(file)],
    ['is empty', file => writeFileSync(file, '')],
    ['was cut', file => writeFileSync(file, readFileSync(file, 'utf8').slice(0, 20))],
    ['knows of no skill', file => writeFileSync(file, '{"schema":1,"skills":[],"superseded":[],"settled":[]}')],
  ])('loses no edit and leaves no link when what is remembered %s', async (_what, damage) => {
    machine.write('.claude/skills/review/SKILL.md', 'mine');
    machine.write('work/.claude/skills/deploy/notes.md', 'also mine');
    damage(machine.path('.mcpctl/skills-state.json'));
    const listed = (await machine.run(['uninstall'])).stdout;
    expect(listed).toContain(machine.path('.claude/skills/review'));
    expect(listed).toContain(machine.path('work/.claude/skills/deploy'));
    const { code, stderr } = await machine.run(['uninstall', '--yes']);
    expect([code, stderr]).toEqual([0, expect.stringContaining('[SKILL_EDITED]')]);
    expect(lstatSync(machine.path('.claude/skills/review')).isDirectory()).toBe(true);
    expect(machine.read('.claude/skills/review/SKILL.md')).toBe('mine');
    expect(machine.names('work/.claude/skills')).toEqual([]);
    expect(machine.names('.mcpctl')).toEqual(['kept']);
    const [kept = ''] = machine.names('.mcpctl/kept');
    expect(stderr).toContain(machine.path('.mcpctl/kept', kept));
    expect(machine.read(`.mcpctl/kept/${kept}/notes.md`)).toBe('also mine');
  });

  it('makes plain folders of skills of which nothing is known any more', async () => {
    for (const path of ['.claude/skills/review', 'work/.claude/skills/deploy']) {
      rmSync(`${readlinkSync(machine.path(path))}.json`);
    }
    machine.write('.claude/skills/review/SKILL.md', 'mine');
    machine.write('.mcpctl/skills-state.json', '');
    const { code, stderr } = await machine.run(['uninstall', '--yes']);
    expect([code, stderr]).toEqual([0, expect.stringContaining('[SKILL_EDITED]')]);
    expect(lstatSync(machine.path('.claude/skills/review')).isDirectory()).toBe(true);
    expect(machine.read('.claude/skills/review/SKILL.md')).toBe('mine');
    expect(lstatSync(machine.path('work/.claude/skills/deploy')).isDirectory()).toBe(true);
    expect(existsSync(machine.path('.mcpctl'))).toBe(false);
  });

  it.each<[what: string, record: (file: string) => void]>([
    ['is known', () => {}],
    ['is lost', file => rmSync(file)],
  ])('keeps what was written into a working copy that was replaced, when what that was %s', async (_what, record) => {
    const former = readlinkSync(machine.path('.claude/skills/review'));
    repository.commit(skillFiles('skills/review', 'Do it well.'));
    expect((await machine.sync()).report.updated).toEqual(['skill/review']);
    writeFileSync(join(former, 'SKILL.md'), 'mine');
    record(`${former}.json`);
    machine.write('.mcpctl/skills-state.json', '');
    const { code, stderr } = await machine.run(['uninstall', '--yes']);
    expect([code, stderr]).toEqual([0, expect.stringContaining('[SKILL_KEPT]')]);
    const [kept = ''] = machine.names('.mcpctl/kept');
    expect(machine.read(`.mcpctl/kept/${kept}/SKILL.md`)).toBe('mine');
    expect(machine.names('.claude/skills')).toEqual([]);
  });

  it('stops before it forgets what stands in settings that it cannot read', async () => {
    const broken = `${machine.read('.claude/settings.json')}}`;
    machine.write('.claude/settings.json', broken);
    const { code, stderr } = await machine.run(['uninstall', '--yes']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('[SKILL_HOOKS_LEFT]')]);
    machine.write('.claude/settings.json', broken.slice(0, -1));
    expect((await machine.run(['uninstall', '--yes'])).code).toBe(0);
    expect(machine.read('.claude/settings.json')).toBe(USER);
    expect(existsSync(machine.path('.mcpctl'))).toBe(false);
  });
});

function ended(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
