import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ParsedFile } from '../schema/index.ts';
import { openPastFiles, type PastFiles } from './past-files.ts';

const parsed: ParsedFile = { path: 'prompts/greet.md', oid: 'a1', id: 'prompt/greet', problems: [] };
const file = { path: parsed.path, mode: '100644', oid: parsed.oid };

let home: string;
beforeEach(() => {
  home = join(mkdtempSync(join(tmpdir(), 'mcpctl-past-')), 'home');
  mkdirSync(home, { mode: 0o700 });
});
afterEach(() => rmSync(join(home, '..'), { recursive: true, force: true }));

function open(gitDir = '/repository/.git'): Promise<PastFiles> {
  return openPastFiles({ gitDir, path: '' }, { MCPCTL_HOME: home });
}

async function keep(...files: ParsedFile[]): Promise<void> {
  const past = await open();
  for (const one of files) past.keep(undefined, '100644', one);
  await past.save();
}

function kept(): string {
  const [found = ''] = globSync('cache/parsed/*.past.json', { cwd: home });
  return join(home, found);
}

describe('what was parsed of the past', () => {
  it.each<[situation: string, asked: typeof file, known: boolean]>([
    ['the same blob', file, true],
    ['another blob', { ...file, oid: 'b2' }, false],
    ['the same blob elsewhere', { ...file, path: 'prompts/other.md' }, false],
    ['the same blob, executable', { ...file, mode: '100755' }, false],
  ])('is known of %s', async (_situation, asked, known) => {
    await keep(parsed);
    expect((await open()).parsed(asked)).toEqual(known ? parsed : undefined);
    expect(statSync(kept()).mode & 0o777).toBe(0o600);
  });

  it.each<[situation: string, change: () => void]>([
    ['deleted', () => rmSync(join(home, 'cache'), { recursive: true })],
    ['cut off', () => writeFileSync(kept(), readFileSync(kept()).subarray(0, -3))],
    ['damaged', () => writeFileSync(kept(), readFileSync(kept(), 'utf8').replace('greet', 'greeT'))],
    ['from another parser', () => writeFileSync(kept(), `x${readFileSync(kept(), 'utf8')}`)],
    ['for others to write', () => chmodSync(kept(), 0o666)],
    ['in a home that others may write', () => chmodSync(home, 0o777)],
  ])('is as if it were not there when it is %s', async (_situation, change) => {
    await keep(parsed);
    change();
    expect((await open()).parsed(file)).toBeUndefined();
  });

  it('is of one repository', async () => {
    await keep(parsed);
    expect((await open('/other/.git')).parsed(file)).toBeUndefined();
  });

  it('is the newest of much', async () => {
    const many = Array.from({ length: 700 }, (_, index) => ({ ...parsed, oid: `c${index}` }));
    await keep(...many);
    const past = await open();
    expect([past.parsed({ ...file, oid: 'c0' }), past.parsed({ ...file, oid: 'c699' })]).toEqual([
      undefined,
      { ...parsed, oid: 'c699' },
    ]);
    await keep({ ...parsed, written: 'x'.repeat(3 * 1024 * 1024) });
    expect(statSync(kept()).size).toBeLessThan(2.1 * 1024 * 1024);
  });

  it('makes no home', async () => {
    rmSync(home, { recursive: true });
    await keep(parsed);
    expect(globSync('*', { cwd: join(home, '..') })).toEqual([]);
  });
});
