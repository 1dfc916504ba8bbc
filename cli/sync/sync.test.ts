import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  emptyRepository,
  projectFile,
  type SkillsMachine,
  skillFiles,
  skillsMachine,
} from '../../tests/skills-machine.ts';
import { type Files, type TempRepository, tempRepository } from '../../tests/temp-repository.ts';

let repository: TempRepository;
let machine: SkillsMachine;

beforeEach(() => {
  repository = tempRepository({ ...emptyRepository, ...skillFiles('skills/review', 'Review it.') });
  machine = skillsMachine();
});
afterEach(() => {
  repository.remove();
  machine.remove();
});

const from = (): string[] => ['--from', repository.bare];
const SKILL = '.claude/skills/review/SKILL.md';

/** Write the skill as it was installed, with other words or the same ones. */
function edited(body = 'Review it.'): void {
  machine.write(SKILL, String(skillFiles('review', body)['review/SKILL.md']));
}

/** A first sync, which has to work. */
async function synced(files: Files = {}): Promise<void> {
  if (Object.keys(files).length > 0) repository.commit(files);
  const { report, stderr } = await machine.sync(from());
  expect(report.errors, stderr).toEqual([]);
}

describe('a sync', () => {
  it('installs through a link to a working copy, with executable bits', async () => {
    await synced(
      skillFiles('skills/tools', 'Tools.', { 'bin/run.sh': '#!/bin/sh\n', 'data/a.bin': Buffer.from([0, 255]) }),
    );
    repository.git('update-index', '--chmod=+x', 'skills/tools/bin/run.sh');
    repository.git('commit', '-qm', 'x');
    repository.git('push', '-q', 'origin', 'main');
    const { report } = await machine.sync();
    expect(report).toMatchObject({ updated: ['skill/tools'], skipped: ['skill/review'], exitCode: 0 });
    expect(lstatSync(machine.path('.claude/skills/tools')).isSymbolicLink()).toBe(true);
    expect(readlinkSync(machine.path('.claude/skills/tools'))).toMatch(new RegExp(`^${machine.path('.mcpctl/live/')}`));
    expect(statSync(machine.path('.claude/skills/tools/bin/run.sh')).mode & 0o777).toBe(0o755);
    expect(statSync(machine.path('.claude/skills/tools/SKILL.md')).mode & 0o777).toBe(0o644);
    expect(readFileSync(machine.path('.claude/skills/tools/data/a.bin'))).toEqual(Buffer.from([0, 255]));
    // Nothing else lies where a client would load it from, and nothing is shared with the store.
    expect(machine.names('.claude/skills')).toEqual(['review', 'tools']);
    expect(machine.names('.claude')).toEqual(['skills']);
    expect(statSync(machine.path('.claude/skills/tools/SKILL.md')).nlink).toBe(1);
  });

  it('reports in the documented shape', async () => {
    const { report, code } = await machine.sync(from());
    expect(code).toBe(0);
    expect(report).toEqual({
      installed: ['skill/review'],
      updated: [],
      skipped: [],
      removed: [],
      preserved: [],
      postInstallsRan: [],
      postInstallsSkipped: [],
      hooksApplied: [],
      mcpServersAttached: [],
      errors: [],
      exitCode: 0,
    });
  });

  it('updates, removes what is no more, and does nothing twice', async () => {
    await synced(skillFiles('skills/data/plot'));
    repository.commit({ ...skillFiles('skills/review', 'Review it well.'), 'skills/data': null });
    expect((await machine.sync()).report).toMatchObject({ updated: ['skill/review'], removed: ['skill/plot'] });
    expect(machine.read(SKILL)).toContain('Review it well.');
    expect(machine.names('.claude/skills')).toEqual(['review']);
    expect((await machine.sync()).report).toMatchObject({ skipped: ['skill/review'], updated: [], removed: [] });
  });

  it('with --dry-run tells the same and writes nothing', async () => {
    const { report } = await machine.sync([...from(), '--dry-run']);
    expect(report.installed).toEqual(['skill/review']);
    expect(machine.names('.claude')).toEqual([]);
    expect(machine.names('.mcpctl')).not.toContain('skills-state.json');
    expect(machine.names('.mcpctl')).not.toContain('skills.json');
  });

  it('with --dry-run tells which scripts and hooks would run, as the sync itself then does', async () => {
    const extras = (command: string) =>
      `apiVersion: mcpctl.dev/v1\nkind: Skill\nspec:\n  postInstall: run.sh\n  hooks:\n    Stop:\n      - command: ${command}\n`;
    const states: Files[] = [
      { 'skills/review/skill.yaml': extras('one'), 'skills/review/run.sh': 'true\n' },
      { 'skills/review/skill.yaml': extras('two') },
      { 'skills/review/run.sh': 'true # again\n', ...skillFiles('skills/plot') },
      { 'skills/review': null },
    ];
    for (const state of states) {
      repository.commit(state);
      const { stderr } = await machine.run(['skills', 'sync', ...from(), '--dry-run']);
      const { report: told } = await machine.sync([...from(), '--dry-run']);
      const { report: done } = await machine.sync(from());
      expect(told).toEqual(done);
      expect(stderr.includes('the script of skill/review would be run')).toBe(done.postInstallsRan.length > 0);
      expect(stderr.includes('skill/review would have a hook at Stop')).toBe(done.hooksApplied.length > 0);
    }
    const skipping = (await machine.sync([...from(), '--dry-run', '--skip-postinstall'])).report;
    expect(skipping.postInstallsRan).toEqual([]);
  });

  it('keeps orphans when told to', async () => {
    await synced(skillFiles('skills/plot'));
    repository.commit({ 'skills/plot': null });
    expect((await machine.sync(['--keep-orphans'])).report).toMatchObject({ removed: [] });
    expect(machine.names('.claude/skills')).toEqual(['plot', 'review']);
    expect((await machine.sync()).report).toMatchObject({ removed: ['skill/plot'] });
  });

  it('puts an entry or a working copy back that is gone', async () => {
    await synced();
    rmSync(machine.path('.claude/skills/review'));
    expect((await machine.sync()).report.updated).toEqual(['skill/review']);
    rmSync(readlinkSync(machine.path('.claude/skills/review')), { recursive: true });
    expect((await machine.sync()).report.installed).toEqual(['skill/review']);
    expect(machine.read(SKILL)).toContain('Review it.');
  });

  it('finds everything again when its state is lost or damaged', async () => {
    await synced();
    machine.write(SKILL, 'mine');
    machine.write('.mcpctl/skills-state.json', '{"schema": 1, "ski');
    expect((await machine.sync()).report).toMatchObject({ preserved: ['skill/review'], installed: [] });
    expect(machine.read(SKILL)).toBe('mine');
  });

  it.each([
    '[]',
    '{"schema": 1, "skills": [{}], "superseded": [], "settled": []}',
    '{"schema": 1, "skills": [null], "superseded": [], "settled": []}',
    '{"schema": 1, "skills": [], "superseded": null, "settled": 7}',
  ])('a state that is no state is put aside: %s', async text => {
    await synced();
    machine.write('.mcpctl/skills-state.json', text);
    await machine.sync(['--dry-run']);
    expect(machine.read('.mcpctl/skills-state.json')).toBe(text);
    const { report } = await machine.sync();
    expect(report).toMatchObject({ skipped: ['skill/review'], errors: [] });
    expect(machine.read('.mcpctl/skills-state.json.damaged')).toBe(text);
  });

  it.each<[what: string, text: string | undefined]>([
    ['is gone', undefined],
    ['is empty', ''],
    ['was cut', '{"schema": 1, "ski'],
    ['knows of no skill', '{"schema": 1, "skills": [], "superseded": [], "settled": []}'],
  ])('nobody is told that nothing is installed when what is remembered %s', async (_what, text) => {
    await synced({
      ...skillFiles('skills/gone'),
      'projects/one/project.yaml': projectFile(),
      ...skillFiles('projects/one/skills/deploy'),
    });
    machine.write('a/.mcpctl-project', 'one\n');
    await machine.sync([], machine.path('a'));
    repository.commit({ 'skills/gone': null });
    if (text === undefined) rmSync(machine.path('.mcpctl/skills-state.json'));
    else machine.write('.mcpctl/skills-state.json', text);
    for (const argv of [['status'], ['verify'], ['diff', 'review'], ['diff', 'review', '--restore']]) {
      const { code, stdout, stderr } = await machine.run(['skills', ...argv]);
      expect({ argv, code, stdout }).toEqual({ argv, code: 1, stdout: '' });
      expect(stderr).toMatch(/\[SKILLS_STATE_UNUSABLE\]\n.*`mcpctl skills sync` finds the skills again/);
    }
    expect((await machine.sync()).report).toMatchObject({ skipped: ['skill/review'], removed: ['skill/gone'] });
    const { code, stderr } = await machine.run(['skills', 'verify']);
    expect([code, stderr]).toEqual([0, expect.stringContaining('2 skills are what was installed')]);
  });

  it('refuses a state that a newer version wrote', async () => {
    await synced();
    machine.write('.mcpctl/skills-state.json', '{"schema": 99}');
    const { code, report } = await machine.sync();
    expect({ code, errors: report.errors.map(one => one.code) }).toEqual({
      code: 2,
      errors: ['SKILLS_STATE_UNUSABLE'],
    });
  });

  it('honours CLAUDE_CONFIG_DIR, and other clients where it is told to', async () => {
    machine.env.CLAUDE_CONFIG_DIR = machine.path('elsewhere');
    await machine.sync([...from(), '--target', 'claude', 'codex']);
    expect(machine.names('elsewhere/skills')).toEqual(['review']);
    expect(machine.names('.codex/skills')).toEqual(['review']);
  });
});

it('what was put into a client’s folder goes when that is no target any more, its hooks too', async () => {
  const yaml = 'apiVersion: mcpctl.dev/v1\nkind: Skill\nspec:\n  hooks:\n    Stop:\n      - command: echo\n';
  repository.commit(skillFiles('skills/review', 'Review it.', { 'skill.yaml': yaml }));
  await machine.sync([...from(), '--target', 'claude', 'codex']);
  machine.write('.codex/skills/mine/SKILL.md', 'mine');
  expect((await machine.sync(['--target', 'claude'])).report.removed).toEqual(['skill/review']);
  expect([machine.names('.claude/skills'), machine.names('.codex/skills')]).toEqual([['review'], ['mine']]);
  expect((await machine.sync(['--target', 'agents'])).report).toMatchObject({
    removed: ['skill/review'],
    hooksApplied: [],
  });
  expect(machine.names('.claude')).toEqual(['skills']);
  expect((await machine.sync()).report).toMatchObject({ removed: [], skipped: [], errors: [] });
});

describe('what people did', () => {
  it.each<[situation: string, edit: () => void]>([
    ['other bytes', () => machine.write(SKILL, 'mine')],
    [
      'other bytes of the same length',
      () => machine.write(SKILL, (machine.read(SKILL) ?? '').replace('Review', 'Xeview')),
    ],
    ['a file less', () => rmSync(machine.path(SKILL))],
  ])('%s: preserved, until --force, which keeps a copy', async (_situation, edit) => {
    await synced();
    edit();
    const before = machine.read(SKILL);
    repository.commit(skillFiles('skills/review', 'New.'));
    const { report, stderr } = await machine.sync();
    expect(report).toMatchObject({ preserved: ['skill/review'], updated: [], exitCode: 0 });
    expect(stderr).toContain('SKILL_EDITED');
    expect(machine.read(SKILL)).toBe(before);

    expect((await machine.sync(['--force'])).report).toMatchObject({ updated: ['skill/review'] });
    expect(machine.read(SKILL)).toContain('New.');
    const [kept = ''] = machine.names('.mcpctl/kept');
    if (before !== undefined) expect(machine.read(`.mcpctl/kept/${kept}/SKILL.md`)).toBe(before);
  });

  it.each<[situation: string, newer: boolean, undo: () => Promise<unknown>]>([
    ['--restore', false, () => machine.run(['skills', 'diff', 'review', '--restore'])],
    ['--restore, when a newer one waits', true, () => machine.run(['skills', 'diff', 'review', '--restore'])],
    ['hand', false, () => Promise.resolve(edited())],
    ['hand, when a newer one waits', true, () => Promise.resolve(edited())],
  ])('an edit that was undone by %s is not told again, and holds nothing up', async (_situation, newer, undo) => {
    await synced();
    edited('Mine.');
    if (newer) repository.commit(skillFiles('skills/review', 'New.'));
    for (let turn = 0; turn < 2; turn++) expect((await machine.sync()).stderr).toContain('SKILL_EDITED');
    await undo();
    const { report, stderr } = await machine.sync();
    expect(report).toMatchObject({ preserved: [], updated: newer ? ['skill/review'] : [] });
    expect(stderr).not.toContain('SKILL_EDITED');
    expect(machine.read(SKILL)).toContain(newer ? 'New.' : 'Review it.');
    expect((await machine.sync()).report).toMatchObject({ skipped: ['skill/review'], updated: [] });
  });

  it('other modes and times only: no edit', async () => {
    await synced();
    chmodSync(machine.path(SKILL), 0o600);
    expect((await machine.sync()).report).toMatchObject({ preserved: [], skipped: ['skill/review'] });
  });

  it('an edited skill that is no more is preserved too', async () => {
    await synced(skillFiles('skills/plot'));
    machine.write('.claude/skills/plot/SKILL.md', 'mine');
    repository.commit({ 'skills/plot': null });
    expect((await machine.sync()).report).toMatchObject({ preserved: ['skill/plot'], removed: [] });
    expect(machine.read('.claude/skills/plot/SKILL.md')).toBe('mine');
  });

  it('files that they added go along with an update, and are kept at a removal', async () => {
    await synced();
    machine.write('.claude/skills/review/notes/mine.md', 'notes');
    repository.commit(skillFiles('skills/review', 'New.'));
    expect((await machine.sync()).report.updated).toEqual(['skill/review']);
    expect(machine.read('.claude/skills/review/notes/mine.md')).toBe('notes');
    repository.commit({ 'skills/review': null, ...skillFiles('skills/other') });
    expect((await machine.sync()).report.removed).toEqual(['skill/review']);
    const [kept = ''] = machine.names('.mcpctl/kept');
    expect(machine.read(`.mcpctl/kept/${kept}/notes/mine.md`)).toBe('notes');
  });

  it.each<[situation: string, make: (path: string) => void]>([
    ['a folder', path => mkdirSync(path)],
    ['a link elsewhere', path => symlinkSync('/nowhere', path)],
  ])('%s in the way: preserved and reported', async (_situation, make) => {
    mkdirSync(machine.path('.claude/skills'), { recursive: true });
    make(machine.path('.claude/skills/review'));
    const { report, stderr } = await machine.sync(from());
    expect(report).toMatchObject({ preserved: ['skill/review'], installed: [], exitCode: 0 });
    expect(stderr).toContain('SKILL_FOREIGN');
    rmSync(machine.path('.claude/skills/review'), { recursive: true });
    const moved = await machine.sync();
    expect([moved.report.installed, moved.stderr]).toEqual([['skill/review'], '']);
  });
});

describe('looking at what is installed', () => {
  it('status, verify and diff tell what was edited; --restore puts it back and keeps it', async () => {
    await synced(skillFiles('skills/plot'));
    expect((await machine.run(['skills', 'verify'])).code).toBe(0);
    machine.write(SKILL, (machine.read(SKILL) ?? '').replace('Review it.', 'Mine.'));
    machine.write('.claude/skills/review/notes.md', 'note\n');
    const status = JSON.parse((await machine.run(['skills', 'status', '-o', 'json'])).stdout);
    expect(status).toMatchObject([
      { id: 'skill/plot', state: 'ok', differs: [] },
      { id: 'skill/review', state: 'edited', differs: [{ path: 'SKILL.md' }, { path: 'notes.md', how: 'added' }] },
    ]);
    const table = await machine.run(['skills', 'status']);
    expect(table.stdout).toMatch(/skill\/review +- +[0-9a-f]{7} +nobody +edited/);
    expect((await machine.run(['skills', 'verify'])).code).toBe(1);
    const { code, stdout } = await machine.run(['skills', 'diff', 'review', '--exit-code']);
    expect(code).toBe(3);
    expect(stdout).toContain('-Review it.\n+Mine.');
    expect(stdout).toContain('+note');
    const restored = await machine.run(['skills', 'diff', 'review', '--restore']);
    expect(restored.code, restored.stderr).toBe(0);
    expect(machine.read(SKILL)).toContain('Review it.');
    expect(machine.read('.claude/skills/review/notes.md')).toBe('note\n');
    const [kept = ''] = machine.names('.mcpctl/kept');
    expect(machine.read(`.mcpctl/kept/${kept}/SKILL.md`)).toContain('Mine.');
    expect((await machine.run(['skills', 'diff', 'nothing'])).code).toBe(1);
  });

  it('diff means the skill that is near, else the global one, and of several clients’ the edited one', async () => {
    repository.commit({
      'projects/demo/project.yaml': projectFile(),
      ...skillFiles('projects/demo/skills/review', 'Demo.'),
    });
    machine.write('work/.mcpctl-project', 'demo');
    await machine.sync([...from(), '--target', 'claude', 'codex'], machine.path('work'));
    machine.write('work/.claude/skills/review/SKILL.md', 'near');
    machine.write('.codex/skills/review/SKILL.md', 'elsewhere');
    const diff = async (cwd: string) => (await machine.run(['skills', 'diff', 'review'], machine.path(cwd))).stdout;
    expect(await diff('work')).toContain('+near');
    expect(await diff('.')).toContain('+elsewhere');
  });

  it('diff --adopt makes the edit a proposal on top of what was installed', async () => {
    await synced();
    machine.write(SKILL, (machine.read(SKILL) ?? '').replace('Review it.', 'Mine.'));
    machine.write('.claude/skills/review/more.md', 'more\n');
    repository.commit({ 'prompts/other.md': '---\n---\nOther' });
    for (const [name, value] of Object.entries({ NAME: 'Ada', EMAIL: 'ada@example.com' })) {
      machine.env[`GIT_AUTHOR_${name}`] = value;
      machine.env[`GIT_COMMITTER_${name}`] = value;
    }
    repository.git('config', 'user.name', 'Ada');
    repository.git('config', 'user.email', 'ada@example.com');
    const { code, stdout, stderr } = await machine.run(['skills', 'diff', 'review', '--adopt'], repository.work);
    expect(code, stderr).toBe(0);
    const branch = `proposals/${stdout.trim()}`;
    repository.git('fetch', '-q', 'origin', branch);
    expect(repository.git('show', 'FETCH_HEAD:skills/review/SKILL.md')).toContain('Mine.');
    expect(repository.git('show', 'FETCH_HEAD:skills/review/more.md')).toBe('more');
    expect(repository.git('diff', '--name-only', 'FETCH_HEAD^', 'FETCH_HEAD')).toBe(
      'skills/review/SKILL.md\nskills/review/more.md',
    );
  });

  it('verify finds a damaged store, and the next sync that needs it fetches it anew', async () => {
    await synced();
    const [digest = ''] = machine.names('.mcpctl/store');
    const pristine = join('.mcpctl/store', digest, 'bundle/SKILL.md');
    chmodSync(machine.path(pristine), 0o600);
    machine.write(pristine, (machine.read(pristine) ?? '').replace('Review', 'Xeview'));
    const { code, stdout } = await machine.run(['skills', 'verify']);
    expect({ code, damaged: stdout.includes('damaged in the store: SKILL.md') }).toEqual({ code: 1, damaged: true });
    rmSync(readlinkSync(machine.path('.claude/skills/review')), { recursive: true });
    expect((await machine.sync()).report.errors.map(one => one.code)).toEqual(['SKILL_WRITE_FAILED']);
    expect((await machine.sync()).report.installed).toEqual(['skill/review']);
    expect(machine.read(SKILL)).toContain('Review it.');
  });
});

describe('projects', () => {
  const twoProjects: Files = {
    'projects/one/project.yaml': projectFile(),
    'projects/two/project.yaml': projectFile(),
    ...skillFiles('projects/one/skills/deploy', 'One.'),
    ...skillFiles('projects/two/skills/deploy', 'Two.'),
  };

  it('have their skills in their own folders, and do not disturb each other', async () => {
    await synced(twoProjects);
    machine.write('a/.mcpctl-project', 'one\n');
    machine.write('a/deep/er/x', '');
    mkdirSync(machine.path('b'));
    const one = await machine.sync([], machine.path('a/deep/er'));
    expect(one.report).toMatchObject({ installed: ['project/one/skill/deploy'], skipped: ['skill/review'] });
    const two = await machine.sync(['-p', 'two'], machine.path('b'));
    expect(two.report).toMatchObject({ installed: ['project/two/skill/deploy'], removed: [] });
    expect(machine.read('a/.claude/skills/deploy/SKILL.md')).toContain('One.');
    expect(machine.read('b/.claude/skills/deploy/SKILL.md')).toContain('Two.');
    expect((await machine.sync()).report.removed).toEqual([]);
    expect(machine.names('a/.claude/skills')).toEqual(['deploy']);
    expect(machine.names('.claude/skills')).toEqual(['review']);
  });

  it.each<[situation: string, file: string]>([
    ['unknown', 'three'],
    ['unreadable', '../one'],
  ])('%s: an error that removes nothing', async (_situation, content) => {
    await synced(twoProjects);
    machine.write('a/.mcpctl-project', 'one');
    await machine.sync([], machine.path('a'));
    machine.write('a/.mcpctl-project', content);
    repository.commit({ 'skills/review': null, ...skillFiles('skills/other') });
    const { code, report } = await machine.sync([], machine.path('a'));
    expect({ code, errors: report.errors.map(one => one.code) }).toEqual({
      code: 1,
      errors: ['SKILLS_PROJECT_UNKNOWN'],
    });
    expect(machine.names('a/.claude/skills')).toEqual(['deploy']);
    expect(machine.names('.claude/skills')).toEqual(['review']);
  });

  it.each<[situation: string, make: (path: string) => void]>([
    ['a pipe', path => execFileSync('mkfifo', [path])],
    ['a folder', path => mkdirSync(path)],
    ['a link to a device without an end', path => symlinkSync('/dev/zero', path)],
  ])('%s in the place of a project’s file: an error, at once', async (_situation, make) => {
    await synced(twoProjects);
    mkdirSync(machine.path('a'));
    make(machine.path('a/.mcpctl-project'));
    const { code, report } = await machine.sync([], machine.path('a'));
    expect({ code, errors: report.errors.map(one => one.code) }).toEqual({
      code: 1,
      errors: ['SKILLS_PROJECT_UNKNOWN'],
    });
  });

  it('the home as a project’s folder is refused, and a folder that leads into it', async () => {
    await synced(twoProjects);
    expect((await machine.sync(['-p', 'one'])).code).toBe(2);
    mkdirSync(machine.path('a'));
    symlinkSync('../.claude', machine.path('a/.claude'));
    expect((await machine.sync(['-p', 'one'], machine.path('a'))).code).toBe(2);
    expect(machine.names('.claude/skills')).toEqual(['review']);
  });
});

describe('servers that skills ask for', () => {
  const skillYaml = (server: string, template = '') =>
    `apiVersion: mcpctl.dev/v1\nkind: Skill\nspec:\n  mcpServers:\n    - name: ${server}\n${template}`;

  it('are attached to the project, or a warning', async () => {
    await synced({
      'projects/one/project.yaml': projectFile(),
      'servers/memory.yaml':
        'apiVersion: mcpctl.dev/v1\nkind: Server\nspec:\n  transport: stdio\n  command: [node, x.js]\n',
      ...skillFiles('projects/one/skills/recall', 'R.', { 'skill.yaml': skillYaml('memory') }),
      ...skillFiles('projects/one/skills/search', 'S.', {
        'skill.yaml': skillYaml('finder', '      fromTemplate: find\n'),
      }),
      ...skillFiles('skills/lonely', 'L.', { 'skill.yaml': skillYaml('memory') }),
    });
    mkdirSync(machine.path('a'));
    const { report, stderr } = await machine.sync(['-p', 'one'], machine.path('a'));
    expect(report.errors).toEqual([]);
    expect(report.mcpServersAttached).toEqual(['project/one/skill/recall memory']);
    expect(stderr).toContain('mcpctl create server finder --from-template find');
    expect(stderr).toContain('`skill/lonely` needs the MCP server `memory`');
    // The same again when nothing was to be done.
    const again = await machine.sync(['-p', 'one'], machine.path('a'));
    expect(again.report.mcpServersAttached).toEqual(['project/one/skill/recall memory']);
  });
});

describe('trouble', () => {
  it('without a source: tells how to name one', async () => {
    const { code, stderr } = await machine.run(['skills', 'sync']);
    expect(code).toBe(1);
    expect(stderr).toContain('--from REPO');
  });

  it.each([
    ['aloud', [], 1],
    ['with --quiet', ['--quiet'], 0],
  ])('a remote that is away, %s: nothing is removed', async (_situation, flags, code) => {
    await synced();
    rmSync(repository.bare, { recursive: true });
    expect((await machine.sync(flags)).code).toBe(code);
    expect(machine.names('.claude/skills')).toEqual(['review']);
  });

  it.each<[option: string, argv: string[]]>([
    ['--from', ['skills', 'sync', '--from', '']],
    ['--from', ['skills', 'sync', '--from', ' ']],
    ['--gateway', ['skills', 'sync', '--gateway', '']],
    ['--ref', ['skills', 'sync', '--ref', '']],
    ['--project', ['skills', 'sync', '-p', '']],
    ['client', ['skills', 'sync', '--target', '']],
    ['release', ['skills', 'pin', '']],
    ['--from', ['config', 'claude', '-p', 'demo', '--from', '']],
    ['--gateway', ['config', 'claude', '-p', 'demo', '--gateway', '']],
    ['--project', ['config', 'claude', '-p', '', '--from', 'x']],
  ])('an empty %s, as of a variable that is not set, is wrong usage and changes nothing: %j', async (option, argv) => {
    await synced();
    const remembered = machine.read('.mcpctl/skills.json');
    // What an empty path would mean.
    repository.git('rm', '-rq', 'skills');
    repository.git('commit', '-qm', 'x');
    const { code, stderr } = await machine.run(argv, repository.work);
    expect([code, stderr]).toEqual([2, expect.stringContaining(option)]);
    expect(machine.names('.claude/skills')).toEqual(['review']);
    expect(machine.read('.mcpctl/skills.json')).toBe(remembered);
    expect(repository.git('status', '--porcelain')).toBe('');
  });

  it('another repository at the same address is refused, unless it is chosen', async () => {
    await synced();
    repository.commit({ 'mcpctl.yaml': String(emptyRepository['mcpctl.yaml']).replace('test.', 'other.') });
    expect((await machine.sync()).report.errors.map(({ code }) => code)).toEqual(['REPOSITORY_OTHER']);
    expect((await machine.sync(from())).report.errors).toEqual([]);
  });

  it.each<[situation: string, flags: string[], code: number, told: string]>([
    ['by Ctrl-C', [], 130, '✗ stopped before it was done\n'],
    ['by Ctrl-C, with --quiet', ['--quiet'], 130, '✗ stopped before it was done\n'],
    ['by --timeout', ['--timeout', '1'], 4, '✗ given up after 1 s\n'],
  ])(
    'stopped %s while git works: nothing is changed, and no remote is blamed',
    async (_situation, flags, code, told) => {
      await synced();
      // git waits for whoever writes there.
      rmSync(join(repository.bare, 'config'));
      execFileSync('mkfifo', [join(repository.bare, 'config')]);
      const program = join(import.meta.dirname, '..', 'mcpctl.mjs');
      const child = spawn(process.execPath, [program, ...flags, 'skills', 'sync'], {
        ...{ cwd: machine.home, env: machine.env, stdio: ['ignore', 'ignore', 'pipe'] },
      });
      let stderr = '';
      child.stderr?.on('data', piece => (stderr += piece));
      if (code === 130) setTimeout(() => child.kill('SIGINT'), 2_000);
      const [ended] = await once(child, 'close');
      expect([ended, stderr]).toEqual([code, told]);
      expect(machine.names('.claude/skills')).toEqual(['review']);
    },
  );

  it('one skill that is not valid stays as it is, the others go on', async () => {
    await synced(skillFiles('skills/plot'));
    repository.commit({ 'skills/plot/SKILL.md': 'no front matter', ...skillFiles('skills/review', 'New.') });
    const { code, report } = await machine.sync();
    expect({ code, updated: report.updated, removed: report.removed }).toEqual({
      code: 0,
      updated: ['skill/review'],
      removed: [],
    });
    expect(report.errors).toMatchObject([{ code: 'SKILL_INVALID', resource: 'skill/plot' }]);
    expect(machine.names('.claude/skills')).toEqual(['plot', 'review']);
  });

  it('a folder that cannot be written to is one skill’s problem', async () => {
    // Rights do not stop root; a file in the place of the folder does.
    machine.write('.codex', 'not a folder');
    const { code, report } = await machine.sync([...from(), '--target', 'claude', 'codex']);
    expect(code).toBe(0);
    expect(report.errors.map(one => one.code)).toEqual(['SKILL_WRITE_FAILED']);
    expect(machine.names('.claude/skills')).toEqual(['review']);
  });

  it('several at once end up with one whole result', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => machine.sync(from())));
    expect(all.map(({ report }) => report.errors)).toEqual([[], [], [], []]);
    expect(all.filter(({ report }) => report.installed.length === 1)).toHaveLength(1);
    expect(machine.read(SKILL)).toContain('Review it.');
    expect(machine.names(join('.mcpctl', 'live')).length).toBe(1);
  });
});
