import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, expect, it } from 'vitest';
import { startUp } from './daemon.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'mcpctl-session-'));
const cleanUp: (() => unknown)[] = [];
afterAll(async () => {
  for (const step of cleanUp.reverse()) await step();
  rmSync(folder, { recursive: true, force: true });
});

/** The one script of docs/proposals.md, with `mcpctl` as this checkout has it. */
function session(): string {
  const text = readFileSync(join(root, 'docs/proposals.md'), 'utf8');
  const [script, ...others] = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(match => match[1] ?? '');
  expect(others).toEqual([]);
  return `set -eu\nmcpctl() { '${process.execPath}' '${join(root, 'cli/main.ts')}' "$@"; }\n${script}`;
}

it('the session in docs/proposals.md works as it stands, and the gateway serves what came of it', async () => {
  const home = join(folder, 'home');
  const cwd = join(folder, 'here');
  for (const path of [home, cwd]) mkdirSync(path);
  const config = join(home, '.gitconfig');
  writeFileSync(config, '[user]\n\tname = Ann\n\temail = ann@example.com\n[init]\n\tdefaultBranch = main\n');
  const env = { PATH: process.env.PATH, HOME: home, GIT_CONFIG_GLOBAL: config, GIT_CONFIG_NOSYSTEM: '1' };
  const { status, stdout, stderr } = spawnSync('sh', ['-c', session()], { cwd, env, encoding: 'utf8' });
  expect(status, `${stdout}\n${stderr}`).toBe(0);
  for (const said of [
    /pending +0 of 2 +zoe +Serve a prompt for closing/,
    /project default gets it|project\/default gets it/,
    /^\+Tell everything that happened today\.$/m,
    / rejected$/m,
    /^\+Tell three things that happened today\.$/m,
    / approved$/m,
    / merged [0-9a-f]{40}$/m,
    /^prompt-closing-[0-9a-f]{6} +approved +zoe/m,
    /^v0\.1\.0 is trusted/m,
  ]) {
    expect(stdout, stderr).toMatch(said);
  }

  const daemon = await startUp({
    repository: join(cwd, 'remote.git'),
    stateDir: join(home, 'state'),
    args: ['--poll', '1'],
    env: { HOME: home, MCPCTL_HOME: join(home, '.mcpctl') },
  });
  cleanUp.push(() => daemon.stop());
  const released = spawnSync('git', ['rev-parse', 'v0.1.0^{commit}'], {
    cwd: join(cwd, 'remote.git'),
    encoding: 'utf8',
  });
  await daemon.until('the release', now => now.revision.applied === released.stdout.trim());
  const client = new Client({ name: 'test', version: '1' });
  cleanUp.push(() => client.close());
  const requestInit = { headers: { authorization: `Bearer ${daemon.token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${daemon.url}/mcp/default`), { requestInit }));
  const { prompts } = await client.listPrompts();
  expect(prompts.map(({ name }) => name)).toContain('closing');
  const { messages } = await client.getPrompt({ name: 'closing' });
  expect(JSON.stringify(messages)).toContain('Tell three things');
}, 180_000);
