import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mcpctl as runMcpctl } from '../../../tests/command-line.ts';

const fixtures = join(import.meta.dirname, '..', '..', '..', 'tests', 'fixtures', 'clients');

let folder: string;
let stdout: string;
let stderr: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-import-'));
  write('repo/mcpctl.yaml', 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec: {id: test}\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

function read(path: string): string {
  return readFileSync(join(folder, path), 'utf8');
}

async function mcpctl(...args: string[]): Promise<number> {
  const env = { HOME: join(folder, 'home'), CODEX_HOME: join(folder, 'codex'), PATH: process.env.PATH };
  const outcome = await runMcpctl(args, { cwd: join(folder, 'work'), env });
  ({ stdout, stderr } = outcome);
  return outcome.code;
}

it('makes servers, secrets and a project of a file, and no secret comes along', async () => {
  const file = join(fixtures, 'claude_desktop_config.json');
  expect(await mcpctl('import', file, '-C', '../repo', '-p', 'assistant')).toBe(0);
  expect(stdout).toBe(
    'server/memory created\nserver/fetch created\nserver/git created\nserver/github created\nsecret/github created\n' +
      'server/linear created\nsecret/linear created\nserver/local created\nproject/assistant created\n',
  );
  expect(stderr.slice(stderr.indexOf('! values'))).toBe(
    '! values that are not in the repository; set them where `mcpctl up` is started:\n' +
      '  MCPCTL_SECRET_GITHUB_PERSONAL_ACCESS_TOKEN  server/github: the variable `GITHUB_PERSONAL_ACCESS_TOKEN`\n' +
      '  MCPCTL_SECRET_LINEAR_AUTHORIZATION          server/linear: the header `Authorization`\n',
  );
  expect(stderr).toContain('server/git: `uvx` runs `mcp-server-git`, which is not pinned');
  expect(stdout + stderr + read('repo/secrets/github.yaml')).not.toMatch(/FAKE/);
  expect(read('repo/projects/assistant/project.yaml')).toContain(
    'servers: [memory, fetch, git, github, linear, local]',
  );

  write('repo/servers/memory.yaml', `# Mine.\n${read('repo/servers/memory.yaml')}`);
  expect(await mcpctl('import', file, '-C', '../repo')).toBe(0);
  expect(stdout).toBe('');
  expect(stderr).toContain('the repository has a Server or Secret `memory`, which is kept');
  expect(read('repo/servers/memory.yaml')).toContain('# Mine.');
});

it('changes nothing with --dry-run', async () => {
  expect(await mcpctl('import', join(fixtures, 'cursor.mcp.json'), '-C', '../repo', '--dry-run')).toBe(0);
  expect(stdout).toContain('server/remote created (dry run)\n');
  expect(() => read('repo/servers/remote.yaml')).toThrow('ENOENT');
});

it('adds to a project that is there, and keeps its comments', async () => {
  const project = '# Ours.\napiVersion: mcpctl.dev/v1\nkind: Project\nspec:\n  servers: [a] # first\n';
  write('repo/projects/p/project.yaml', project);
  write('repo/servers/a.yaml', 'apiVersion: mcpctl.dev/v1\nkind: Server\nspec: {transport: stdio, command: [a]}\n');
  expect(await mcpctl('import', join(fixtures, 'codex.config.toml'), '-C', '../repo', '-p', 'p')).toBe(0);
  expect(read('repo/projects/p/project.yaml')).toBe(project.replace('[a]', '[a, context7, docs, figma-remote]'));
});

it.each([
  [
    'claude-code',
    ['work/.mcp.json', 'home/.claude.json'],
    ['claude-code.mcp.json', 'claude-code-user.claude.json'],
    'context7',
  ],
  ['cursor', ['home/.cursor/mcp.json'], ['cursor.mcp.json'], 'remote'],
  ['vscode', ['work/.vscode/mcp.json'], ['vscode.mcp.json'], 'perplexity'],
  ['gemini', ['home/.gemini/settings.json'], ['gemini.settings.json'], 'python-tools'],
  ['codex', ['codex/config.toml'], ['codex.config.toml'], 'docs'],
])('finds the files of %s', async (client, places, files, server) => {
  for (const [index, place] of places.entries()) {
    mkdirSync(dirname(join(folder, place)), { recursive: true });
    cpSync(join(fixtures, files[index] ?? ''), join(folder, place));
  }
  expect(await mcpctl('import', '--client', client, '-C', '../repo')).toBe(0);
  expect(stdout).toContain(`server/${server} created\n`);
});

it.each([
  ['registry-npm.server.json', 'server.json', 'server/brave-search created', ''],
  ['claude-code.mcp.json', '.mcp.json', 'server/airtable created', ''],
  ['vscode.mcp.json', 'anything.json', 'server/perplexity created', 'VS Code'],
  ['claude-code.mcp.json', 'anything.json', 'server/airtable created', 'Claude Code'],
  ['gemini.settings.json', 'anything.json', 'server/python-tools created', 'Gemini CLI'],
  ['cursor.mcp.json', 'anything.json', 'server/python-server created', 'Cursor'],
  ['registry-remote.server.json', 'anything.json', 'server/analytics created', ''],
])('tells what %s is when it is called %s', async (fixture, name, made, guessed) => {
  mkdirSync(join(folder, 'work'), { recursive: true });
  cpSync(join(fixtures, fixture), join(folder, 'work', name));
  expect(await mcpctl('import', name, '-C', '../repo')).toBe(0);
  expect(stdout).toContain(made);
  expect(/read as a file of (.*); /.exec(stderr)?.[1] ?? '').toBe(guessed);
});

it.each<[string, string[], Record<string, string>, number, string]>([
  ['no file', ['nope.json'], {}, 2, 'there is no file `nope.json`'],
  ['a client without files', ['--client', 'cursor'], {}, 2, 'Cursor has no file here'],
  ['nothing at all', [], {}, 2, 'name a file, or a client'],
  ['JSON of something else', ['x.json'], { 'x.json': '{"a": 1}' }, 2, 'not the file of a client'],
  ['broken JSON', ['x.json'], { 'x.json': '{\n  "mcpServers": {,\n' }, 1, 'x.json:2:18: not valid JSON'],
  ['broken TOML', ['x.toml'], { 'x.toml': 'a = "secret-value\n' }, 1, 'x.toml:1:'],
  ['a device without end', ['/dev/zero'], {}, 2, '/dev/zero is larger than 67108864 bytes'],
  ['a folder without skills', ['d'], { 'd/readme': 'x' }, 2, 'a folder without skills'],
  [
    'an address with a secret',
    ['x.json'],
    { 'x.json': '{"mcpServers":{"a":{"url":"https://x.example/mcp?api_key=abcdef"}}}' },
    0,
    'looks like a secret',
  ],
])('says what is wrong with %s', async (_situation, args, files, code, message) => {
  mkdirSync(join(folder, 'work'), { recursive: true });
  for (const [path, text] of Object.entries(files)) write(`work/${path}`, text);
  expect(await mcpctl('import', ...args, '-C', '../repo')).toBe(code);
  expect(stderr).toContain(message);
  expect(stderr).not.toMatch(/secret-value|abcdef/);
  expect(stdout).toBe('');
});

/** Put together here, so that nobody's scanner takes it for a real one. */
const random = 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4';
it.each<[string, Record<string, unknown>, RegExp]>([
  [
    'JSON in a variable',
    { command: 'x', env: { HEADERS: '{"Authorization": "Bearer abcdefgh", "Version": "1"}' } },
    /MCPCTL_SECRET_A_HEADERS +server\/a: the variable `HEADERS`/,
  ],
  [
    'the line of a shell',
    { command: 'sh', args: ['-c', "npx y@1 https://x.example --header 'Authorization: Bearer abcdefgh'"] },
    /MCPCTL_SECRET_A_C +server\/a: `-c` of its arguments/,
  ],
  [
    'an exported variable',
    { command: 'bash', args: ['-lc', 'export API_KEY=abcdefgh; exec x'] },
    /MCPCTL_SECRET_A_LC +server\/a: `-lc` of its arguments/,
  ],
  [
    'the line of a shell that refers to a variable too',
    { command: 'bash', args: ['-lc', `API_KEY=abcdefgh exec x \${PLACE}`] },
    /MCPCTL_SECRET_A_LC +server\/a: `-lc` of its arguments as a whole: …\$\{PLACE\}/,
  ],
  [
    'two options of one name',
    { command: 'x', args: ['--header', 'Authorization: Bearer abcdefgh', '--header', 'X-Api-Key: abcdefgh'] },
    /MCPCTL_SECRET_A_HEADER +server\/a: `--header` of its arguments\n +MCPCTL_SECRET_A_HEADER_2 /,
  ],
  ['JSON after an option', { command: 'x', args: ['--config', '{"exaApiKey":"abcdefgh"}'] }, /MCPCTL_SECRET_A_CONFIG/],
  ['JSON in an option', { command: 'x', args: ['--config={"exaApiKey":"abcdefgh"}'] }, /MCPCTL_SECRET_A_CONFIG/],
  ['the path of an address', { url: `https://x.example/api/mcp/s/${random}/mcp` }, /`a` is not imported: its address/],
  [
    'the path of a bridge’s address',
    { command: 'npx', args: ['-y', 'mcp-remote', `https://x.example/s/${random}`] },
    /`a` is not imported: its address/,
  ],
])('writes and shows no secret from %s', async (_place, entry, told) => {
  write('work/.mcp.json', JSON.stringify({ mcpServers: { a: entry } }));
  expect(await mcpctl('import', '.mcp.json', '-C', '../repo', '-o', 'yaml')).toBe(0);
  expect(stderr).toMatch(told);
  const written = ['servers', 'secrets'].map(kind => join(folder, `repo/${kind}/a.yaml`)).filter(existsSync);
  const everything = [stdout, stderr, ...written.map(path => readFileSync(path, 'utf8'))].join('\n');
  expect(everything).not.toMatch(new RegExp(`abcdefgh|${random}`));
});

it('takes skills along, byte by byte and with their modes', async () => {
  write('skills/review/SKILL.md', '---\nname: review\ndescription: Reviews code\n---\n\n# Review\n');
  write('skills/review/scripts/run.sh', '#!/bin/sh\n');
  chmodSync(join(folder, 'skills/review/scripts/run.sh'), 0o755);
  write('skills/review/.git/config', 'x');
  write('skills/broken/SKILL.md', 'no front matter\n');
  write('skills/notes.txt', 'x');
  expect(await mcpctl('import', '../skills', '-C', '../repo')).toBe(0);
  expect(stdout).toBe('skill/review created\n');
  expect(stderr).toContain('skill/broken is not imported');
  expect(statSync(join(folder, 'repo/skills/review/scripts/run.sh')).mode & 0o111).not.toBe(0);
  expect(() => read('repo/skills/review/.git/config')).toThrow('ENOENT');
  expect(await mcpctl('import', '../skills/review', '-C', '../repo')).toBe(0);
  expect(stderr).toContain('the repository has a Skill `review`, which is kept');
});
