import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readWorktree } from '../../../repo/index.ts';
import { assemble } from '../../../schema/index.ts';
import { mcpctl, type Outcome } from '../../../tests/command-line.ts';
import { type PlannedHistory, plannedHistory } from '../../../tests/planned-history.ts';
import { serverFile } from '../../../tests/temp-repository.ts';

const repository = 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n';
const prompt = (text: string) => `---\ntitle: Greet\n---\n${text}\n`;
const manifest = (version: string) => JSON.stringify({ resources: [{ id: 'prompt/greet', version }] });

let planned: PlannedHistory;
beforeAll(() => {
  planned = plannedHistory([
    {
      name: 'first',
      files: {
        'mcpctl.yaml': repository,
        'servers/a.yaml': serverFile('a'),
        'servers/b.yaml': serverFile('b'),
        'prompts/greet.md': prompt('One'),
        'skills/review/SKILL.md': '---\nname: review\ndescription: Reviews\n---\nLook.\n',
        'skills/review/run.sh': { executable: 'echo 1\n' },
      },
    },
    { name: 'release-1', files: { '.mcpctl/manifest.json': manifest('0.1.0') } },
    { name: 'second', onto: 'first', files: { 'prompts/greet.md': prompt('Two') } },
    {
      name: 'third',
      files: { 'prompts/greet.md': prompt('Three'), 'skills/review/run.sh': { executable: 'echo 2\n' } },
    },
    { name: 'release-2', files: { '.mcpctl/manifest.json': manifest('1.4.0') } },
    { name: 'fourth', onto: 'third', files: { 'prompts/greet.md': prompt('Four') } },
    { name: 'copy', files: { 'prompts/again.md': prompt('Two'), 'servers/b.yaml': null } },
  ]);
  planned.git('tag', 'v1.0.0', planned.oid('release-1'));
  planned.git('tag', 'v2.0.0', planned.oid('release-2'));
});
afterAll(() => planned.remove());

function run(...args: string[]): Promise<Outcome> {
  return mcpctl(args, { cwd: planned.folder });
}

async function revisions(...args: string[]): Promise<Record<string, string>[]> {
  return JSON.parse((await run('get', 'revisions', ...args, '-o', 'json')).stdout);
}

describe('get revisions', () => {
  it('has versions: of a release, and counted from the last one', async () => {
    const found = await revisions('prompt', 'greet');
    expect(found.map(({ version, release = '-' }) => [version, release])).toEqual([
      [`1.4.0+1.g${planned.oid('fourth').slice(0, 7)}`, '-'],
      ['1.4.0', 'v2.0.0'],
      [`0.1.0+1.g${planned.oid('second').slice(0, 7)}`, '-'],
      ['0.1.0', 'v1.0.0'],
    ]);
  });

  it('tells what this machine makes of the releases', async () => {
    const { stdout } = await run('get', 'revisions', 'prompt', 'greet');
    expect(stdout).toMatch(/^v1\.4\.0 +[0-9a-f]{7} +changed +Ann +v2\.0\.0 unverified +2026-01-04 /m);
  });

  it.each([
    ['a version of the resource', 'v1.4.0', 'Three'],
    ['a release', 'v1.0.0', 'One'],
    ['what is counted from a version', () => `v1.4.0+1.g${planned.oid('fourth').slice(0, 7)}`, 'Four'],
    ['a date', '2026-01-03', 'Two'],
  ])('--at takes %s', async (_what, at, text) => {
    const { stdout } = await run('get', 'prompt', 'greet', '--at', typeof at === 'string' ? at : at(), '-o', 'json');
    expect(JSON.parse(stdout)[0].spec.content).toBe(`${text}\n`);
  });

  it('the digest of a skill is what a client computes on its disk', async () => {
    const disk = mkdtempSync(join(tmpdir(), 'mcpctl-disk-'));
    cpSync(join(planned.folder, 'skills'), join(disk, 'skills'), { recursive: true });
    const onDisk = assemble(await readWorktree(disk)).find(({ id }) => id === 'skill/review')?.resource?.digest;
    rmSync(disk, { recursive: true });
    const [newest, first] = await revisions('skill', 'review', '--digest');
    expect(newest?.digest).toBe(onDisk);
    expect(first?.digest).not.toBe(onDisk);
    const where = await revisions(`--digest=${onDisk}`);
    expect(where.map(({ id, commit }) => [id, commit])).toEqual([['skill/review', planned.oid('third')]]);
  });

  it('finds a content wherever it is and was', async () => {
    const [, , second] = await revisions('prompt', 'greet', '--digest');
    const where = await revisions(`--digest=${second?.digest}`);
    expect(where.map(({ id, commit }) => [id, commit])).toEqual([
      ['prompt/again', planned.oid('copy')],
      ['prompt/greet', planned.oid('second')],
    ]);
  });

  it('lists what is gone', async () => {
    const { stdout } = await run('get', 'revisions', '--deleted', '-o', 'name');
    expect(stdout).toBe(`server/b@${planned.oid('copy')}\n`);
    const before = await run('get', 'revisions', '--deleted', '--at', planned.oid('first'), '-o', 'name');
    expect(before).toMatchObject({ code: 0, stdout: '', stderr: 'nothing found\n' });
  });

  it('says that a shallow repository lacks the rest', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mcpctl-shallow-'));
    execFileSync('git', ['clone', '--quiet', '--depth=1', `file://${planned.folder}`, folder]);
    const at = (...args: string[]) => mcpctl(args, { cwd: folder });
    const listed = await at('get', 'revisions', 'prompt', 'greet');
    const unknown = await at('get', 'revisions', 'prompt', 'never');
    const older = await at('get', 'prompts', '--at', planned.oid('first'));
    rmSync(folder, { recursive: true });
    expect([listed.code, listed.stderr]).toEqual([0, expect.stringContaining('[HISTORY_SHALLOW]')]);
    expect([unknown.code, unknown.stderr]).toEqual([
      1,
      expect.stringMatching(
        /git fetch --unshallow.*no commit that is here ever had the prompt `never` \[RESOURCE_NOT_FOUND\]/s,
      ),
    ]);
    expect([older.code, older.stderr]).toEqual([1, expect.stringContaining('git fetch --unshallow')]);
  });

  it.each([
    ['no resource', [], 2, 'USAGE'],
    ['a kind without a name', ['prompt'], 2, 'USAGE'],
    ['what never was', ['prompt', 'never'], 1, 'RESOURCE_NOT_FOUND'],
    ['a digest that is none', ['--digest=abc'], 2, 'USAGE'],
    ['a limit that is none', ['prompt', 'greet', '-n', 'many'], 2, 'USAGE'],
    ['an unknown revision', ['prompt', 'greet', '--at', 'nope'], 1, 'REVISION_NOT_FOUND'],
  ])('refuses %s', async (_situation, args, code, said) => {
    const outcome = await run('get', 'revisions', ...args);
    expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringContaining(`[${said}]`)]);
  });
});

describe('get KIND NAME --at', () => {
  it.each(['table', 'yaml', 'json', 'name'])('says the same as when everything is read, -o %s', async output => {
    for (const [kind, name] of [
      ['server', 'a'],
      ['prompt', 'greet'],
      ['skill', 'review'],
    ]) {
      const named = await run('get', `${kind}`, `${name}`, '--at', planned.oid('second'), '-o', output);
      const all = await run('get', `${kind}s`, '-l', '!none', '--at', planned.oid('second'), '-o', output);
      expect(all.stdout).toContain(output === 'json' ? named.stdout.slice(2, -3) : named.stdout.split('\n').at(-2));
    }
  });

  it('reads only what that resource needs', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mcpctl-part-'));
    try {
      cpSync(planned.folder, folder, { recursive: true });
      const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim();
      // Without another resource's content, whoever reads everything fails.
      const objects = join(folder, '.git', 'objects');
      const other = git('rev-parse', `${planned.oid('first')}:servers/b.yaml`);
      if (readdirSync(join(objects, 'pack')).length > 0) {
        const [pack = ''] = readdirSync(join(objects, 'pack')).filter(name => name.endsWith('.pack'));
        cpSync(join(objects, 'pack', pack), join(folder, 'all.pack'));
        rmSync(join(objects, 'pack'), { recursive: true });
        execFileSync('git', ['unpack-objects', '-q'], {
          cwd: folder,
          input: execFileSync('cat', [join(folder, 'all.pack')]),
        });
      }
      rmSync(join(objects, other.slice(0, 2), other.slice(2)), { force: true });
      const at = (...args: string[]) => mcpctl([...args, '--at', planned.oid('second')], { cwd: folder });
      expect((await at('get', 'prompt', 'greet')).code).toBe(0);
      expect(await at('get', 'prompts')).toMatchObject({ code: 1, stderr: expect.stringContaining('[READ_FAILED]') });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
