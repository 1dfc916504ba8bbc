import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mcpctl } from '../command-line.ts';
import { serverFile, type TempRepository, tempRepository } from '../temp-repository.ts';
import { startUp, type UpProcess } from './daemon.ts';

let repository: TempRepository;
let daemon: UpProcess;

beforeEach(async () => {
  repository = tempRepository({
    'mcpctl.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n',
    'servers/a.yaml': serverFile('a', 'one'),
    'prompts/greet.md': '---\n---\nHello\n',
  });
  daemon = await startUp({
    repository: repository.bare,
    stateDir: join(repository.folder, 'state'),
    env: { MCPCTL_HOME: join(repository.folder, 'home') },
    args: ['--poll', '0.2'],
  });
});
afterEach(async () => {
  await daemon.stop();
  repository.remove();
});

/** The daemon has taken up a commit. */
async function applied(commit: string): Promise<void> {
  await daemon.until(`${commit} is applied`, ({ revision }) => revision.applied === commit);
}

async function diff(...argv: string[]) {
  const env = { ...process.env, MCPCTL_HOME: join(repository.folder, 'home') };
  const outcome = await mcpctl(['diff', ...argv, '--state-dir', join(repository.folder, 'state'), '-o', 'json'], {
    cwd: repository.work,
    env,
  });
  expect(outcome.code, outcome.stderr).toBe(0);
  return JSON.parse(outcome.stdout) as { files: { path: string; hunks: { lines: string[] }[] }[]; to: string };
}

it('what is held back is compared as it is in service, not as the branch has it', async () => {
  const good = repository.git('rev-parse', 'HEAD');
  await applied(good);
  const broken = repository.commit({
    'servers/a.yaml': `${serverFile('a', 'two')}  bogus: 1\n`,
    'prompts/greet.md': '---\n---\nWelcome\n',
  });
  await applied(broken);
  // The prompt went ahead; of the server, what is live is the old one.
  const found = await diff('--from', broken, '--to', 'live');
  expect(found.to).toBe(broken);
  expect(found.files.map(({ path }) => path)).toEqual(['servers/a.yaml']);
  expect(found.files[0]?.hunks.flatMap(({ lines }) => lines)).toEqual(
    expect.arrayContaining(['-  bogus: 1', '+  command: [node, server.js, one]']),
  );
  expect((await diff('server', 'a', '--from', good, '--to', 'live')).files).toEqual([]);
  expect((await diff('--from', good, '--to', 'live')).files.map(({ path }) => path)).toEqual(['prompts/greet.md']);
  // One that never was valid is not live at all.
  const added = repository.commit({ 'servers/b.yaml': `${serverFile('b')}  bogus: 1\n` });
  await applied(added);
  expect((await diff('--from', added, '--to', 'live')).files.map(({ path }) => path).sort()).toEqual([
    'servers/a.yaml',
    'servers/b.yaml',
  ]);
});
