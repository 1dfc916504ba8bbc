import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pinRoot } from '../../repo/trust/index.ts';
import { emptyRepository, type SkillsMachine, skillFiles, skillsMachine } from '../skills-machine.ts';
import { type TempRepository, tempRepository } from '../temp-repository.ts';
import { makeKey, makeRoot, TrustScene } from '../trust-scene.ts';
import { startUp, type UpProcess } from './daemon.ts';

let folder: string;
let machine: SkillsMachine;
let up: UpProcess | undefined;
let repository: TempRepository | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-bundles-'));
  machine = skillsMachine();
  machine.env.PATH = '/nonexistent';
});
afterEach(async () => {
  await up?.stop();
  up = undefined;
  repository?.remove();
  machine.remove();
  rmSync(folder, { recursive: true, force: true });
});

const start = async (from: string) => {
  const running = await startUp({
    repository: from,
    stateDir: join(folder, 'state'),
    args: ['--poll', '1'],
    env: { HOME: folder, MCPCTL_HOME: join(folder, 'home') },
  });
  up = running;
  machine.env.MCPCTL_TOKEN = running.token;
  await running.until('something is in service', status => status.revision.applied !== undefined, 60_000);
  return running;
};

it('a gateway that follows a branch hands its skills out', async () => {
  repository = tempRepository({ ...emptyRepository, ...skillFiles('skills/review', 'One.') });
  const { url, token } = await start(repository.bare);
  const first = await machine.sync(['--gateway', url]);
  expect(first.report, first.stderr).toMatchObject({ installed: ['skill/review'], errors: [] });
  const ask = (release: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/api/v1/bundles/${release}`, { headers: { authorization: `Bearer ${token}`, ...headers } });
  const answer = await ask('latest');
  const etag = answer.headers.get('etag') ?? '';
  expect(Number(answer.headers.get('content-length'))).toBe((await answer.arrayBuffer()).byteLength);
  expect((await ask('latest', { 'if-none-match': etag })).status).toBe(304);
  expect((await ask('v9.9.9')).status).toBe(404);
  expect((await ask('..%2f..%2fx')).status).toBe(404);
  expect((await ask('latest', { authorization: 'Bearer wrong' })).status).toBe(401);
  repository.commit(skillFiles('skills/review', 'Two.'));
  for (let turn = 0; turn < 100 && (await ask('latest')).headers.get('etag') === etag; turn++) {
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  expect((await machine.sync()).report.updated).toEqual(['skill/review']);
}, 120_000);

it('a gateway that follows releases hands out the newest, and others by name', async () => {
  const scene = new TrustScene(skillFiles('skills/review', 'One.') as Record<string, string>);
  try {
    const boss = makeKey(scene.keys, 'boss');
    const root = await makeRoot(1, { root: [boss], release: [boss] }, [boss]);
    scene.addRoots(root);
    await scene.release({ version: '1.0.0', sequence: 1, key: boss });
    scene.repository.commit(skillFiles('skills/review', 'Two.'));
    await scene.release({ version: '1.1.0', sequence: 2, key: boss });
    scene.repository.git('push', '-q', 'origin', 'HEAD:main', '--tags');
    await pinRoot(join(folder, 'home'), [root], [scene.repository.bare], new Date());
    const { url } = await start(scene.repository.bare);
    await pinRoot(machine.path('.mcpctl'), [root], [url], new Date());
    const first = await machine.sync(['--gateway', url]);
    expect(first.report, first.stderr).toMatchObject({ installed: ['skill/review'], errors: [] });
    const body = () => machine.read('.claude/skills/review/SKILL.md');
    expect(body()).toContain('Two.');
    await machine.run(['skills', 'pin', 'v1.0.0']);
    const pinned = await machine.sync();
    expect(pinned.report, pinned.stderr).toMatchObject({ updated: ['skill/review'], errors: [] });
    expect(body()).toContain('One.');
  } finally {
    scene.remove();
  }
}, 120_000);
