import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { missingProgram } from '../apt.ts';
import { serveByGit, startServer } from '../git-server.ts';
import { SSHD, startSshServer } from '../ssh-server.ts';
import { type TempRepository, tempRepository } from '../temp-repository.ts';
import { goodServer, repositoryYaml, smallRepository } from './catalog.ts';
import { condition, startUp, type UpProcess, type UpProcessOptions } from './daemon.ts';

let folder: string;
let repository: TempRepository;
const cleanUp: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-remotes-'));
  repository = tempRepository(smallRepository);
});
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
  repository.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function up(options: Omit<UpProcessOptions, 'stateDir'>): Promise<UpProcess> {
  const running = await startUp({ stateDir: join(folder, 'state'), ...options });
  cleanUp.push(() => running.stop());
  return running;
}

function poke(running: UpProcess): Promise<Response> {
  const headers = { authorization: `Bearer ${running.token}` };
  return fetch(`${running.url}/api/v1/reconcile`, { method: 'POST', headers });
}

it('a thousand pokes in a burst cost at most two fetches, and the last commit is served', async () => {
  // While the burst lasts, however long this machine takes for it, the remote is busy answering the first fetch.
  let answering = Promise.resolve();
  const server = await startServer(
    (request, response) => void answering.then(() => serveByGit(request, response, { root: repository.folder })),
  );
  cleanUp.push(server.close);
  const running = await up({ repository: `${server.url}/remote.git`, args: ['--poll', '3600'] });
  await running.until('Ready', status => condition(status, 'Ready') === 'True');
  const fetches = () => server.requests.filter(({ method }) => method === 'GET').length;
  const before = fetches();
  let commit = '';
  const burstIsOver = Promise.withResolvers<void>();
  answering = burstIsOver.promise;
  for (let burst = 0; burst < 20; burst++) {
    if (burst === 19) commit = repository.commit({ 'mcpctl.yaml': repositoryYaml, 'prompts/x.md': '---\n---\nHello' });
    await Promise.all(Array.from({ length: 50 }, () => poke(running)));
  }
  burstIsOver.resolve();
  await running.until('the last commit', status => status.revision.applied === commit);
  expect(fetches() - before).toBeLessThanOrEqual(2);
});

it('a forced push is said; what the new commit breaks stays at its last good revision', async () => {
  const running = await up({ repository: repository.bare, args: ['--poll', '3600'] });
  const { revision } = await running.until('Ready', status => condition(status, 'Ready') === 'True');
  repository.git('commit', '-q', '--amend', '-m', 'Another history');
  const rewritten = repository.commit({ 'mcpctl.yaml': 'not: [valid' });
  await poke(running);
  const status = await running.until('the new commit', now => now.revision.fetched === rewritten);
  expect(status.revision.applied).toBe(revision.applied);
  expect(running.stderr()).toContain('HISTORY_REWRITTEN');
  const healed = repository.commit({ 'mcpctl.yaml': repositoryYaml });
  await poke(running);
  await running.until('the mended commit', now => now.revision.applied === healed);
});

const missing = missingProgram(SSHD, 'openssh-server');

describe.skipIf(missing !== undefined)(`over ssh${missing ? `: ${missing}` : ''}`, () => {
  it('the first start prints the deploy key; once it is added and the host pinned, everything is served', async () => {
    const server = await startSshServer();
    cleanUp.push(server.close);
    const address = `ssh://${server.user}@127.0.0.1:${server.port}${repository.bare}`;
    const env = { MCPCTL_HOME: join(folder, 'home') };
    const args = ['--poll', '0.3'];
    const first = await up({ repository: address, env, args });
    await first.until('the host’s key', status => JSON.stringify(status).includes('HOST_KEY_UNKNOWN'));
    const line = /^ssh-ed25519 \S+ mcpctl-deploy-key$/m.exec(first.stderr())?.[0] ?? '';
    expect(first.stderr()).toContain('read-only deploy key');
    await first.stop();

    const second = await up({ repository: address, env, args: [...args, '--host-key', server.fingerprint()] });
    await second.until('the key to be refused', status => JSON.stringify(status).includes('REMOTE_AUTH'));
    expect(second.stderr()).not.toContain('it is shown once:\nssh-ed25519');
    server.authorize(line);
    await second.until('Ready', status => condition(status, 'Ready') === 'True');
    const commit = repository.commit({ 'servers/second.yaml': goodServer });
    await second.until('the push', status => status.revision.applied === commit);
    expect(readFileSync(join(folder, 'home', 'ssh', 'known_hosts'), 'utf8')).toContain(`[127.0.0.1]:${server.port}`);
  });
});
