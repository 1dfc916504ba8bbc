import { expect, it } from 'vitest';
import { type ParsedFile, parseFile } from '../schema/index.ts';
import { preview } from './preview.ts';

const repository = 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: x.example\n';
const server = (argument: string) =>
  `apiVersion: mcpctl.dev/v1\nkind: Server\nspec:\n  transport: stdio\n  command: [run, ${argument}]\n`;

function files(texts: Record<string, string>): ParsedFile[] {
  return Object.entries({ 'mcpctl.yaml': repository, ...texts }).map(([path, text]) =>
    parseFile({ path, mode: '100644', oid: '0'.repeat(40) }, Buffer.from(text)),
  );
}

const before = { name: 'main', files: files({ 'servers/a.yaml': server('one'), 'prompts/p.md': '---\n---\nHello' }) };

it('tells what would be done, and every resource that would be another', async () => {
  const after = files({ 'servers/a.yaml': server('two'), 'prompts/q.md': '---\n---\nHello' });
  const { steps, changes } = await preview(before, { name: 'new', files: after });
  expect(steps).toContainEqual({ op: 'update', id: 'instance/a-0', because: 'command changed' });
  expect(changes).toEqual([
    { id: 'prompt/p', before: expect.stringMatching(/^sha256:/) },
    { id: 'prompt/q', after: expect.stringMatching(/^sha256:/) },
    { id: 'server/a', before: expect.stringMatching(/^sha256:/), after: expect.stringMatching(/^sha256:/) },
  ]);
});

it('tells how the setting for failing starts changes', async () => {
  const said = files({ 'mcpctl.yaml': `${repository}  backoffSeconds: [1, 60]\n` });
  expect((await preview(before, { name: 'new', files: said })).settings).toEqual([
    { name: 'backoff', after: '1, 60 s' },
  ]);
  expect((await preview(before, before)).settings).toEqual([]);
});

it('tells what is new among the problems, wherever the old ones stand now', async () => {
  const broken = server('one').replace('stdio', 'telepathy');
  const old = { name: 'main', files: files({ 'servers/bad.yaml': broken }) };
  const moved = { name: 'new', files: files({ 'servers/bad.yaml': `# lines\n# further down\n${broken}` }) };
  expect((await preview(old, moved)).introduced).toEqual([]);
  const more = { name: 'new', files: files({ 'servers/bad.yaml': broken, 'servers/worse.yaml': broken }) };
  expect((await preview(old, more)).introduced).toMatchObject([
    { code: 'FIELD_INVALID', at: { file: 'servers/worse.yaml' } },
  ]);
});
