import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

const HOOK = fileURLToPath(new URL('../../hooks/post-receive', import.meta.url));
const run = promisify(execFile);
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-hook-'));
  await git('.', 'init', '-q', '--bare', 'remote.git');
  await git('.', 'init', '-q', '-b', 'main', 'work');
  copyFileSync(HOOK, join(folder, 'remote.git/hooks/post-receive'));
  chmodSync(join(folder, 'remote.git/hooks/post-receive'), 0o755);
  await git('work', '-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '-q', '--allow-empty', '-m', 'x');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function git(where: string, ...args: string[]) {
  return run('git', ['-C', join(folder, where), ...args]);
}

/** A stand-in for mcpctl that writes down what it was called with, and behaves as told. */
function install(script: string): string {
  mkdirSync(join(folder, 'bin dir'));
  const path = join(folder, 'bin dir/mcpctl');
  writeFileSync(
    path,
    `#!/bin/sh\necho $$ > "${folder}/pid"\nprintf '%s\\n' "$@" > "${folder}/called.tmp"\nmv "${folder}/called.tmp" "${folder}/called"\n${script}\n`,
  );
  chmodSync(path, 0o755);
  return path;
}

const called = () => (existsSync(join(folder, 'called')) ? readFileSync(join(folder, 'called'), 'utf8') : '');

it.each([
  ['the daemon is told', 'exit 0'],
  ['the daemon cannot be reached', 'exit 1'],
  ['the command hangs, and the push does not wait', 'exec sleep 20'],
])('%s', async (_situation, script) => {
  await git('remote.git', 'config', 'mcpctl.stateDir', '/state dir/x');
  await git('remote.git', 'config', 'mcpctl.command', install(script));
  const { stderr } = await git('work', 'push', '-q', '../remote.git', 'main');
  expect(stderr).toContain('telling the daemon of /state dir/x to reconcile');
  await expect.poll(called).toBe('reconcile\n--state-dir\n/state dir/x\n');
  if (script.includes('sleep')) process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGKILL');
});

it.each([
  ['no state directory is configured', [], 'mcpctl.stateDir is not set'],
  ['there is no such command', ['mcpctl.command', '/nonexistent/mcpctl'], 'telling the daemon'],
])('the push succeeds when %s', async (_situation, config, told) => {
  if (config.length > 0) {
    await git('remote.git', 'config', 'mcpctl.stateDir', '/state');
    await git('remote.git', 'config', ...config);
  }
  const { stderr } = await git('work', 'push', '-q', '../remote.git', 'main');
  expect(stderr).toContain(told);
  const { stdout } = await git('remote.git', 'rev-parse', 'main');
  expect(stdout).toMatch(/^[0-9a-f]{40}/);
});
