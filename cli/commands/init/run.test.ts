import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mcpctl } from '../../../tests/command-line.ts';
import { idFrom, initialFiles, WORKFLOWS } from './files.ts';

const PATHS = [...initialFiles('x').map(({ path }) => path), ...WORKFLOWS];

let folder: string;
const identity = {
  GIT_AUTHOR_NAME: 'Test',
  GIT_AUTHOR_EMAIL: 'test@example.com',
  GIT_COMMITTER_NAME: 'Test',
  GIT_COMMITTER_EMAIL: 'test@example.com',
};
const env = { ...process.env, ...identity };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-init-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

function errorsAmong(problems: { severity: string }[]): unknown[] {
  return problems.filter(({ severity }) => severity === 'error');
}

describe('mcpctl init', () => {
  it('makes a repository that is valid, committed, and says what comes next', async () => {
    const { code, stdout, stderr } = await mcpctl(['init', 'My Tools'], { cwd: folder, env });
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toEqual(PATHS);
    const root = join(folder, 'My Tools');
    expect(git(root, 'ls-files').split('\n').sort()).toEqual([...PATHS].sort());
    expect(git(root, 'status', '--porcelain')).toBe('');
    expect(git(root, 'branch', '--show-current')).toBe('main');
    expect(readFileSync(join(root, 'mcpctl.yaml'), 'utf8')).toContain('\n  id: my-tools\n');
    expect(stderr.replaceAll(folder, 'FOLDER')).toMatchInlineSnapshot(`
      "✔ a repository with the id my-tools in FOLDER/My Tools
      ✔ committed to the branch main of a new git repository
      ✔ git checks what you commit and push; \`mcpctl hooks uninstall\` undoes that

      Next:
        cd "My Tools"
        mcpctl validate   # check every file
        mcpctl lock       # pin what the server depends on, then commit
        mcpctl up --once  # does everything start?
        mcpctl up         # follow the branch main, and serve it
      "
    `);
    const checked = await mcpctl(['validate', '-o', 'json'], { cwd: root, env });
    expect(checked.code).toBe(0);
    const { problems } = JSON.parse(checked.stdout);
    expect(errorsAmong(problems)).toEqual([]);
    expect(problems).toContainEqual(expect.objectContaining({ code: 'LOCK_MISSING', hint: 'mcpctl lock memory' }));
  });

  it('starts with the version of the server that the example is tested with', () => {
    const pinned = (text: string | undefined) => /identifier: (.*)\n\s+version: (.*)\n/.exec(text ?? '')?.slice(1);
    const ours = initialFiles('x').find(({ path }) => path === 'servers/memory.yaml');
    const example = new URL('../../../example-repo/servers/memory.yaml', import.meta.url);
    expect(pinned(ours?.content)).toEqual(pinned(readFileSync(example, 'utf8')));
  });

  it('keeps a workflow that is there, and brings the others as the example has them', async () => {
    const root = join(folder, 'workflows');
    mkdirSync(join(root, '.github', 'workflows'), { recursive: true });
    writeFileSync(join(root, '.github', 'workflows', 'plan.yml'), 'mine');
    expect((await mcpctl(['init', '.'], { cwd: root, env })).code).toBe(0);
    const contents = WORKFLOWS.map(path => readFileSync(join(root, path), 'utf8'));
    const examples = WORKFLOWS.map(path =>
      readFileSync(new URL(`../../../example-repo/${path}`, import.meta.url), 'utf8'),
    );
    expect(contents).toEqual(['mine', ...examples.slice(1)]);
  });

  it('keeps files that are nobody’s of ours, and makes no git repository when told so', async () => {
    const root = join(folder, 'kept');
    mkdirSync(root);
    writeFileSync(join(root, 'README.md'), 'mine');
    const { code, stdout } = await mcpctl(['init', '.', '--no-git'], { cwd: root, env });
    expect(code).toBe(0);
    expect(stdout).not.toContain('README.md');
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toBe('mine');
    expect(readdirSync(root)).not.toContain('.git');
  });

  it('leaves committing to the user inside a git repository', async () => {
    const root = join(folder, 'mono');
    mkdirSync(root);
    git(root, 'init', '--quiet');
    const { code, stderr } = await mcpctl(['init', 'ai'], { cwd: root, env });
    expect(code).toBe(0);
    expect(stderr).toContain(`it lies in the git repository`);
    expect(git(root, 'status', '--porcelain')).toBe('?? ai/');
    expect(readdirSync(join(root, 'ai'))).not.toContain('.github');
  });

  it('says how to commit when git does not know who commits', async () => {
    const nobody = {
      ...process.env,
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'user.useConfigOnly',
      GIT_CONFIG_VALUE_0: 'true',
    };
    const { code, stderr } = await mcpctl(['init', 'nobody'], { cwd: folder, env: nobody });
    expect(code).toBe(0);
    expect(stderr).toContain('! git commit failed: ');
    expect(stderr).toContain('git config --global user.name');
    expect(readdirSync(join(folder, 'nobody'))).toContain('mcpctl.yaml');
  });

  it.each([
    ['a repository', { 'mcpctl.yaml': '' }, 'refused', '.'],
    ['a server', { 'servers/x.yaml': '' }, 'refused', '.'],
    ['a repository around it', { 'mcpctl.yaml': '' }, 'refused', 'inner/ai'],
    ['files of somebody else', { 'package.json': '{}' }, 'made', '.'],
  ])('%s: %j is %s', async (_situation, files, outcome, dir) => {
    const root = mkdtempSync(join(folder, 'situation-'));
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    const { code, stdout, stderr } = await mcpctl(['init', dir, '--no-git'], { cwd: root, env });
    expect(code).toBe(outcome === 'made' ? 0 : 1);
    if (outcome === 'made') return;
    expect(stderr).toContain('[FILE_EXISTS]');
    expect(stdout).toBe('');
    expect(readdirSync(root, { recursive: true, withFileTypes: true }).filter(one => one.isFile())).toHaveLength(1);
  });

  it.each([
    ['ai-tools', 'ai-tools'],
    ['Ünsere Tools!', 'nsere-tools'],
    ['...', 'repository'],
    ['a.b', 'a.b'],
    ['x'.repeat(200), 'x'.repeat(128)],
  ])('%s becomes the id %s', (name, id) => {
    expect(idFrom(name)).toBe(id);
  });

  it.each(['true', '2026', '1e5', 'null', '0x1f', '~tilde'])(
    'a folder called %s gets a repository that is valid',
    async name => {
      await mcpctl(['init', name, '--no-git'], { cwd: folder, env });
      const { code, stdout } = await mcpctl(['validate', join(folder, name), '-o', 'json'], { env });
      expect([code, errorsAmong(JSON.parse(stdout).problems)]).toEqual([0, []]);
    },
  );
});
