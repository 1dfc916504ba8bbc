import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type LockOptions, runLock } from './run.ts';

const example = join(import.meta.dirname, '..', '..', '..', 'example-repo');
const memoryLock = 'locks/servers/memory/package-lock.json';

let folder: string;
let stdout: string;
let stderr: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-lock-test-'));
  cpSync(join(example, 'mcpctl.yaml'), join(folder, 'mcpctl.yaml'));
  cpSync(join(example, 'servers/memory.yaml'), join(folder, 'servers/memory.yaml'));
  write('servers/local.yaml', 'transport: stdio\n  command: [program]');
  stdout = '';
  stderr = '';
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(file: string, spec: string): void {
  writeFileSync(join(folder, file), `apiVersion: mcpctl.dev/v1\nkind: Server\nspec:\n  ${spec}\n`);
}

function lock(names: string[] = [], env: LockOptions['env'] = process.env, from = '.'): Promise<number> {
  const io = {
    stdout(text: string) {
      stdout += text;
    },
    stderr(text: string) {
      stderr += text;
    },
    isTTY: false,
    colour: false,
  };
  return runLock({ io, cwd: folder, env, signal: new AbortController().signal, names, folder: from });
}

it('writes a lock where it differs, and says what changed', async () => {
  expect(await lock()).toBe(0);
  expect(stdout).toBe(`${memoryLock}\n`);
  expect(stderr).toMatch(/✔ memory: new lock, \d+ packages/);
  const written = readFileSync(join(folder, memoryLock));
  stdout = '';
  expect(await lock(['memory'])).toBe(0);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/✔ memory: up to date/);
  const { packages } = JSON.parse(written.toString());
  writeFileSync(join(folder, memoryLock), JSON.stringify({ packages: { ...packages, 'node_modules/zod': undefined } }));
  expect(await lock(['memory'])).toBe(0);
  expect(stdout).toBe(`${memoryLock}\n`);
  expect(stderr).toMatch(/✔ memory: 1 added, 0 removed, 0 changed/);
  expect(readFileSync(join(folder, memoryLock)).equals(written)).toBe(true);
}, 120_000);

it('finds the repository from a folder below it', async () => {
  write('servers/memory.yaml', 'transport: pigeon');
  expect(await lock([], process.env, 'servers')).toBe(1);
  expect(stderr).toContain('servers/memory.yaml:4');
});

it('fails where there is no repository', async () => {
  rmSync(join(folder, 'mcpctl.yaml'));
  await expect(lock()).rejects.toMatchObject({ problem: { code: 'REPOSITORY_MISSING' } });
  expect(stderr).toBe('');
});

it('has nothing to do where no server comes from npm', async () => {
  rmSync(join(folder, 'servers/memory.yaml'));
  expect(await lock()).toBe(0);
  expect(stderr).toContain('nothing to lock');
});

it.each([
  ['is not there', 'nothing'],
  ['does not come from npm', 'local'],
])('refuses a name that %s', async (_situation, name) => {
  await expect(lock([name])).rejects.toMatchObject({
    problem: { code: 'USAGE', message: expect.stringContaining(name) },
  });
});

it('shows what is wrong with a server, and locks none of it', async () => {
  write('servers/memory.yaml', 'transport: pigeon');
  expect(await lock()).toBe(1);
  expect(stderr).toMatch(/servers\/memory.yaml:4/);
  expect(existsSync(join(folder, memoryLock))).toBe(false);
});

it('says why a lock could not be made, and keeps the old one', async () => {
  mkdirSync(join(folder, 'locks/servers/memory'), { recursive: true });
  writeFileSync(join(folder, memoryLock), 'old');
  expect(await lock([], { PATH: folder })).toBe(1);
  expect(stderr).toContain('NPM_MISSING');
  expect(stdout).toBe('');
  expect(readFileSync(join(folder, memoryLock), 'utf8')).toBe('old');
});

it('does not follow a link out of the folder', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'mcpctl-elsewhere-'));
  symlinkSync(elsewhere, join(folder, 'locks'));
  expect(await lock()).toBe(1);
  expect(stderr).toContain('symbolic link');
  expect(readdirSync(elsewhere)).toEqual([]);
  rmSync(elsewhere, { recursive: true });
});
