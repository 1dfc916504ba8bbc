import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signText } from '../../cli/sign-text.ts';
import { statementText } from '../../schema/index.ts';
import { mcpctl } from '../command-line.ts';
import { type PersonAtWork, person, userFile } from '../people.ts';
import { type TempRepository, tempRepository } from '../temp-repository.ts';
import { startUp, type UpProcess } from './daemon.ts';

/** ann reviews prompts; a project lets AI sessions propose. */
let repository: TempRepository;
let ann: PersonAtWork;
let daemon: UpProcess;
const clients: Client[] = [];

const yaml = (kind: string, spec: string) => `apiVersion: mcpctl.dev/v1\nkind: ${kind}\nspec: ${spec}\n`;

beforeEach(async () => {
  repository = tempRepository({ 'README.md': 'x' });
  ann = person(repository.folder, 'ann', repository.bare);
  const review = '{ protect: [{ paths: ["prompts/", "skills/"], owners: { users: [ann] } }] }';
  repository.commit({
    'mcpctl.yaml': yaml('Repository', `{ id: test.example, review: ${review} }`),
    'projects/demo/project.yaml': yaml('Project', '{ proposals: true }'),
    'projects/closed/project.yaml': yaml('Project', '{}'),
    'access/users/ann.yaml': userFile(ann),
  });
  ann.git('pull', '--quiet');
  const stateDir = join(repository.folder, 'state');
  daemon = await startUp({
    repository: repository.bare,
    stateDir,
    env: { MCPCTL_HOME: join(repository.folder, 'home') },
  });
  await daemon.until('both projects are served', ({ projects }) => projects.length === 2);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map(client => client.close().catch(() => undefined)));
  await daemon.stop();
  repository.remove();
});

async function connect(project: string, mode: 'auto' | 'legacy'): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, mode === 'auto' ? { versionNegotiation: { mode } } : {});
  const requestInit = { headers: { authorization: `Bearer ${daemon.token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${daemon.url}/mcp/${project}`), { requestInit }));
  clients.push(client);
  return client;
}

/** What the tests read of answers. */
interface Answer {
  id: string;
  proposal: { paths: string[] };
  proposals: unknown[];
  problems: { severity: string }[];
  expected: Parameters<typeof statementText>[0];
}

async function api(method: string, path: string, body?: unknown) {
  const response = await fetch(`${daemon.url}/api/v1/proposals${path}`, {
    method,
    headers: { authorization: `Bearer ${daemon.token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Answer };
}

const wish = { name: 'greet', description: 'A greeting', content: 'Hello {{who}}.', reason: 'people like it' };
const declared = { ...wish, arguments: [{ name: 'who', required: true }] };

describe.each(['auto', 'legacy'] as const)('an AI session (%s)', mode => {
  it('proposes a prompt; a person approves it; it is served', async () => {
    const client = await connect('demo', mode);
    const tools = await client.listTools();
    expect(tools.tools.map(({ name }) => name)).toEqual(['propose_prompt', 'propose_skill']);
    const result = await client.callTool({ name: 'propose_prompt', arguments: declared });
    const { id } = result.structuredContent as { id: string };
    expect(id).toMatch(/^prompt-greet-[0-9a-f]{6}$/);

    const as = (...argv: string[]) => mcpctl(argv, { cwd: ann.work, env: ann.env });
    const shown = await as('review', 'diff', id);
    expect(shown.stdout).toMatch(/session +\S+/);
    expect(shown.stdout).toContain('reason   people like it');
    expect(shown.stdout).toContain('+Hello {{who}}.');
    expect((await as('review', 'approve', id)).stdout).toContain(`${id} merged`);
    await fetch(`${daemon.url}/api/v1/reconcile`, {
      method: 'POST',
      headers: { authorization: `Bearer ${daemon.token}` },
    });
    await daemon.until('the prompt is served', ({ projects }) =>
      projects.some(({ name, prompts }) => name === 'demo' && prompts.includes('greet')),
    );
    const { messages } = await client.getPrompt({ name: 'greet', arguments: { who: 'you' } });
    expect(messages[0]?.content).toMatchObject({ text: 'Hello you.' });
  });
});

it('a skill comes as a bundle', async () => {
  const client = await connect('demo', 'auto');
  const result = await client.callTool({
    name: 'propose_skill',
    arguments: {
      name: 'count',
      description: 'Counts: "things", and more',
      content: 'Count them.',
      files: [{ path: 'scripts/count.py', content: 'print(1)\n' }],
      reason: 'counting',
    },
  });
  expect(result.isError, JSON.stringify(result.content)).toBeFalsy();
  const { id } = result.structuredContent as { id: string };
  const { body } = await api('GET', `/${id}`);
  expect(body.proposal.paths).toEqual([
    'projects/demo/skills/count/SKILL.md',
    'projects/demo/skills/count/scripts/count.py',
  ]);
  expect(body.problems.filter(one => one.severity === 'error')).toEqual([]);
});

it.each<[string, Record<string, unknown>, string]>([
  ['an argument that is not declared', { ...declared, content: 'Hello {{other}}.' }, 'other'],
  [
    'a file that leads elsewhere',
    { files: [{ path: '../../../mcpctl.yaml', content: 'x' }] },
    'path inside the bundle',
  ],
])('nothing is pushed of %s', async (_situation, given, words) => {
  const client = await connect('demo', 'auto');
  const name = 'files' in given ? 'propose_skill' : 'propose_prompt';
  const skill = { name: 'x', description: 'x', content: 'x', reason: 'x' };
  const result = await client.callTool({ name, arguments: 'files' in given ? { ...skill, ...given } : given });
  expect(result.isError).toBe(true);
  expect(JSON.stringify(result.content)).toContain(words);
  expect(repository.git('ls-remote', 'origin', 'refs/heads/proposals/*')).toBe('');
});

it('a project that does not want proposals offers none', async () => {
  const client = await connect('closed', 'auto');
  expect((await client.listTools()).tools).toEqual([]);
  await expect(client.callTool({ name: 'propose_prompt', arguments: declared })).rejects.toThrow('Unknown tool');
});

describe('the API', () => {
  const document = {
    apiVersion: 'mcpctl.dev/v1',
    kind: 'Prompt',
    metadata: { name: 'note' },
    spec: { content: 'Write it down.\n' },
  };

  it('proposes, amends, lists and shows', async () => {
    const made = await api('POST', '', {
      title: 'Take notes',
      reason: 'to remember',
      by: 'Zoe',
      documents: [document],
    });
    expect(made).toMatchObject({
      status: 201,
      body: { id: expect.stringMatching(/^prompt-note-/), problems: [{ code: 'RESOURCE_UNUSED' }] },
    });
    const { id } = made.body;
    const other = { ...document, spec: { content: 'Write it up.\n' } };
    expect(await api('PUT', `/${id}`, { title: 'Better', documents: [other] })).toMatchObject({
      status: 200,
      body: { id },
    });
    const { body } = await api('GET', '');
    expect(body.proposals).toMatchObject([
      { id, status: 'pending', needed: 1, approvedBy: [], paths: ['prompts/note.md'] },
    ]);
    expect((await api('GET', `/${id}`)).body).toMatchObject({ verdict: 'pending', expected: { proposal: id } });
  });

  it.each<[string, string, string, unknown, number, string]>([
    ['nothing to propose', 'POST', '', { title: 'x' }, 422, 'PROPOSAL_INVALID'],
    ['no title', 'POST', '', { documents: [] }, 400, 'USAGE'],
    ['a mistake', 'POST', '', { title: 'x', documents: [{ ...document, spec: { nope: 1 } }] }, 422, 'PROPOSAL_INVALID'],
    ['a deletion of what is not there', 'POST', '', { title: 'x', delete: ['prompt/gone'] }, 422, 'PROPOSAL_INVALID'],
    ['an unknown proposal', 'GET', '/prompt-gone-0a1b2c', undefined, 404, 'PROPOSAL_NOT_FOUND'],
    ['a statement of nobody', 'POST', '/ID/reviews', { text: '{}\n', signature: 'eA==' }, 403, 'REVIEW_NOT_ENTITLED'],
  ])('refuses %s', async (_situation, method, path, body, status, code) => {
    const { id } = (await api('POST', '', { title: 'Take notes', documents: [document] })).body;
    const before = repository.git('ls-remote', 'origin');
    expect(await api(method, path.replace('ID', id), body)).toMatchObject({ status, body: { code } });
    expect(repository.git('ls-remote', 'origin')).toBe(before);
  });

  it('records what a reviewer signed elsewhere, and never merges', async () => {
    const { id } = (await api('POST', '', { title: 'Take notes', documents: [document] })).body;
    const { expected } = (await api('GET', `/${id}`)).body;
    const text = statementText({ ...expected, verdict: 'approve', reason: 'read' });
    const request = { text, namespace: 'mcpctl-review', gitDir: join(ann.work, '.git'), key: ann.keyFile };
    const blob = await signText({ env: ann.env, signal: new AbortController().signal }, request);
    const signature = blob.toString('base64');
    const main = repository.git('ls-remote', 'origin', 'refs/heads/main');
    expect(await api('POST', `/${id}/reviews`, { text, signature })).toEqual({ status: 201, body: { complete: true } });
    expect(repository.git('ls-remote', 'origin', 'refs/heads/main')).toBe(main);
    const { body } = await api('GET', '');
    expect(body.proposals).toMatchObject([{ id, status: 'approved', approvedBy: ['user/ann'] }]);
    const replayed = await api('POST', `/${id}/reviews`, { text: text.replace('read', 'red'), signature });
    expect(replayed).toMatchObject({ status: 403, body: { code: 'REVIEW_NOT_ENTITLED' } });
  });
});
