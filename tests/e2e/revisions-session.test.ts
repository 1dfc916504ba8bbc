import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const document = join(root, 'docs', 'revisions.md');
const folder = mkdtempSync(join(tmpdir(), 'mcpctl-session-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** 2026-10-01T09:00:00Z; each command is run a day after the one before, so that every id is the same each time. */
const FIRST = 1_790_845_200;
const SEPARATOR = '@@@@ next @@@@';

/** A block of commands, each behind `$ `, with what they print below them. */
const BLOCK = /^```console\n([\s\S]*?)^```$/gm;

function commandsOf(block: string): string[] {
  return block.split('\n').flatMap(line => (line.startsWith('$ ') ? line.slice(2) : []));
}

/** Run all commands in one shell. @returns what each printed */
function run(commands: readonly string[]): string[] {
  const home = join(folder, 'home');
  mkdirSync(home);
  const steps = commands.map((command, index) => {
    const date = `${FIRST + index * 86_400} +0000`;
    return `export GIT_AUTHOR_DATE='${date}' GIT_COMMITTER_DATE='${date}'\n${command}\necho '${SEPARATOR}'`;
  });
  const mcpctl = `mcpctl() { '${process.execPath}' '${join(root, 'cli/main.ts')}' "$@"; }`;
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'init.defaultBranch',
    GIT_CONFIG_VALUE_0: 'main',
    GIT_AUTHOR_NAME: 'Ann',
    GIT_AUTHOR_EMAIL: 'ann@example.com',
    GIT_COMMITTER_NAME: 'Ann',
    GIT_COMMITTER_EMAIL: 'ann@example.com',
  };
  const script = `exec 2>&1\n${mcpctl}\n${steps.join('\n')}`;
  const { stdout } = spawnSync('sh', ['-c', script], { cwd: folder, env, encoding: 'utf8' });
  return stdout.split(`${SEPARATOR}\n`).slice(0, -1);
}

it('the session in docs/revisions.md prints what it says', async () => {
  const text = readFileSync(document, 'utf8');
  const commands = [...text.matchAll(BLOCK)].flatMap(([, block = '']) => commandsOf(block));
  expect(commands.length).toBeGreaterThan(10);
  const printed = run(commands);
  expect(printed.length).toBe(commands.length);
  const told = text.replaceAll(BLOCK, (_, block: string) => {
    const lines = commandsOf(block).map(command => `$ ${command}\n${printed.shift()}`);
    return `\`\`\`console\n${lines.join('')}\`\`\``;
  });
  await expect(told).toMatchFileSnapshot(document);
}, 120_000);
