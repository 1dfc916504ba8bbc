import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDesk } from '../../reconciler/index.ts';
import { createGitForge, daemonWorkspace } from '../../repo/forges/index.ts';
import { type TempRepository, tempRepository } from '../temp-repository.ts';
import { startUp, type UpProcess } from './daemon.ts';

/** Whoever has the gateway's token, and means harm. */
let repository: TempRepository;
let daemon: UpProcess;

const yaml = (kind: string, spec: string) => `apiVersion: mcpctl.dev/v1\nkind: ${kind}\nspec: ${spec}\n`;

beforeAll(async () => {
  repository = tempRepository({
    'mcpctl.yaml': yaml('Repository', '{ id: test.example }'),
    'projects/demo/project.yaml': yaml('Project', '{ proposals: true }'),
  });
  daemon = await startUp({
    repository: repository.bare,
    stateDir: join(repository.folder, 'state'),
    env: { MCPCTL_HOME: join(repository.folder, 'home') },
  });
  await daemon.until('the project is served', ({ projects }) => projects.length === 1);
});
afterAll(async () => {
  await daemon.stop();
  repository.remove();
});

async function api(method: string, path: string, body?: string) {
  const response = await fetch(`${daemon.url}/api/v1/proposals${path}`, {
    method,
    headers: { authorization: `Bearer ${daemon.token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body }),
  });
  return { status: response.status, text: await response.text() };
}

const document = (more: object) => ({
  apiVersion: 'mcpctl.dev/v1',
  kind: 'Skill',
  metadata: { name: 'count', description: 'Counts' },
  spec: { content: 'Count.' },
  ...more,
});
const file = (more: object) => ({ path: 'a', mode: '100644', content: 'eA==', ...more });
const withFile = (more: object) => document({ spec: { content: 'x', files: [file(more)] } });
const wish = (...documents: unknown[]) => JSON.stringify({ title: 'x', documents });
const injected = '100644 inline "a"\ndata 0\nM 100644 inline "mcpctl.yaml"\ndata 1\nx\n#';

it.each<[string, string, string, string | undefined]>([
  ['a mode that is a command', 'POST', '', wish(withFile({ mode: injected }))],
  ['a link as mode', 'POST', '', wish(withFile({ mode: '120000' }))],
  ['a repository as mode', 'POST', '', wish(withFile({ mode: '160000' }))],
  ['a path with a line break', 'POST', '', wish(withFile({ path: 'a"\nM 100644 inline "b' }))],
  ['a path out of the bundle', 'POST', '', wish(withFile({ path: '../../mcpctl.yaml' }))],
  ['a path into .git', 'POST', '', wish(withFile({ path: '.git/config' }))],
  ['a path into .GIT', 'POST', '', wish(withFile({ path: 'x/.GIT/config' }))],
  ['a path with a NUL', 'POST', '', wish(withFile({ path: 'a\0b' }))],
  ['an absolute path', 'POST', '', wish(withFile({ path: '/etc/passwd' }))],
  ['a name that is a path', 'POST', '', wish(document({ metadata: { name: '../../x' } }))],
  ['a project that is a path', 'POST', '', wish(document({ metadata: { name: 'x', project: '../../access/users' } }))],
  ['a project that is an option', 'POST', '', wish(document({ metadata: { name: 'x', project: '--upload-pack=x' } }))],
  ['a kind that objects have', 'POST', '', wish(document({ kind: '__proto__' }))],
  ['a kind that functions have', 'POST', '', wish(document({ kind: 'constructor' }))],
  ['fields of a prototype', 'POST', '', '{"title":"x","documents":[{"__proto__":{"a":1}}]}'],
  ['fields of a constructor', 'POST', '', '{"title":"x","constructor":{"prototype":{"a":1}}}'],
  ['depth', 'POST', '', `{"title":"x","documents":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
  [
    'depth in a spec',
    'POST',
    '',
    wish(document({ spec: { content: 'x', deep: 0 } })).replace('0', `${'{"a":'.repeat(20_000)}0${'}'.repeat(20_000)}`),
  ],
  ['no JSON', 'POST', '', '{'],
  ['nothing', 'POST', '', undefined],
  ['null', 'POST', '', 'null'],
  ['a lone surrogate', 'POST', '', wish(document({ spec: { content: '\ud800' } }))],
  ['a deletion of a folder', 'POST', '', '{"title":"x","delete":["../../"]}'],
  ['a deletion of everything', 'POST', '', '{"title":"x","delete":["repository"]}'],
  ['an id that is an option', 'GET', '/--help', undefined],
  ['an id that is a path', 'GET', '/..%2f..%2fheads%2fmain', undefined],
  ['an id with a line break', 'PUT', '/prompt-a-0a1b2c%0aref', wish()],
  ['a very long id', 'GET', `/${'a'.repeat(5_000)}`, undefined],
  ['a review of nothing', 'POST', '/prompt-a-0a1b2c/reviews', '{"text":"","signature":""}'],
  [
    'a review with a signature of zeros',
    'POST',
    '/prompt-a-0a1b2c/reviews',
    `{"text":"{}\\n","signature":"${'A'.repeat(16_000)}"}`,
  ],
])('refuses %s', async (_situation, method, path, body) => {
  const before = repository.git('ls-remote', 'origin');
  const { status, text } = await api(method, path, body);
  expect(status, text).toBeGreaterThanOrEqual(400);
  expect(status, text).toBeLessThan(500);
  expect(text).not.toContain(daemon.token);
  expect(repository.git('ls-remote', 'origin')).toBe(before);
  expect((await api('GET', '')).status).toBe(200);
});

it('a remote that hangs: so many wait, the others are told at once, and all goes on when it answers', async () => {
  const sockets: Socket[] = [];
  const silent = createServer(socket => void sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  const dir = join(repository.folder, 'proposals.git');
  const { env } = process;
  const remote = { kind: 'http', url: `http://127.0.0.1:${port}/x.git`, display: 'x' } as const;
  const desk = createDesk(async () => {
    const workspace = await daemonWorkspace({ dir, remote, branch: 'main', path: '', env, home: repository.folder });
    return { workspace, forge: createGitForge(workspace) };
  });
  const asked = Array.from({ length: 100 }, () => desk.list({ ended: false }).catch(error => error.problem.code));
  const first = await Promise.race(asked);
  expect(first).toBe('PROPOSALS_BUSY');
  silent.close();
  const end = setInterval(() => sockets.splice(0).forEach(socket => void socket.destroy()), 50);
  const told = await Promise.all(asked);
  clearInterval(end);
  expect(told.filter(code => code === 'PROPOSALS_BUSY')).toHaveLength(68);
  expect(told.filter(code => code === 'REMOTE_UNREACHABLE')).toHaveLength(32);
  expect(await desk.list({ ended: false }).catch(error => error.problem.code)).toBe('REMOTE_UNREACHABLE');
});
