import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'mcpctl-session-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The one script of docs/trust.md, with `mcpctl` as this checkout has it. */
function session(): string {
  const text = readFileSync(join(root, 'docs/trust.md'), 'utf8');
  const [script, ...others] = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(match => match[1] ?? '');
  expect(others).toEqual([]);
  return `set -eu\nmcpctl() { '${process.execPath}' '${join(root, 'cli/main.ts')}' "$@"; }\n${script}`;
}

it('the session in docs/trust.md works as it stands', () => {
  const home = join(folder, 'home');
  const cwd = join(folder, 'here');
  for (const path of [home, cwd]) mkdirSync(path);
  const config = join(home, '.gitconfig');
  writeFileSync(config, '[user]\n\tname = Alice\n\temail = alice@example.com\n[init]\n\tdefaultBranch = main\n');
  const env = { PATH: process.env.PATH, HOME: home, GIT_CONFIG_GLOBAL: config, GIT_CONFIG_NOSYSTEM: '1' };
  const { status, stdout, stderr } = spawnSync('sh', ['-c', session()], { cwd, env, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  for (const said of [
    /^v0\.1\.0 is trusted: signed by Alice, sequence 1$/m,
    /^prompt\/standup +changed +0\.1\.0 +0\.2\.0$/m,
    /^ {2}- Ask for short standups$/m,
    /^v0\.2\.0 is NOT trusted$/m,
    /^v0\.2\.1 is trusted: signed by bob, sequence 3$/m,
    /^v0\.2\.2 is trusted: signed by bob, sequence 4$/m,
    /^root 3 +sha256:[0-9a-f]{64}$/m,
  ]) {
    expect(stdout).toMatch(said);
  }
  expect(stderr).toMatch(/back to v0\.1\.0, which undoes 3 commits/);
  const tags = spawnSync('git', ['tag'], { cwd: join(cwd, 'remote.git'), env, encoding: 'utf8' }).stdout.split('\n');
  expect(tags).toEqual(
    expect.arrayContaining(['v0.2.2', 'release/3.4', 'prompts/standup/v0.2.0', 'skills/release-notes/v0.1.0']),
  );
}, 120_000);
