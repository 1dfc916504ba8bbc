import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mcpctl as runMcpctl } from '../../../tests/command-line.ts';

let folder: string;
let stdout: string;
let stderr: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-export-'));
  mkdirSync(join(folder, 'work'));
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
  const env = { HOME: join(folder, 'home'), CODEX_HOME: join(folder, 'codex'), MCPCTL_TOKEN: 'never-to-be-written' };
  const outcome = await runMcpctl(args, { cwd: join(folder, 'work'), env });
  ({ stdout, stderr } = outcome);
  return outcome.code;
}

it('prints a document and writes nothing', async () => {
  expect(await mcpctl('export', '-p', 'demo', '--client', 'vscode', '--server', 'https://mcp.example.com/')).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    servers: {
      demo: {
        type: 'http',
        url: 'https://mcp.example.com/mcp/demo',
        headers: { Authorization: `Bearer \${input:mcpctl-token}` },
      },
    },
    inputs: [
      {
        type: 'promptString',
        id: 'mcpctl-token',
        description: 'Access token of the mcpctl gateway',
        password: true,
      },
    ],
  });
  expect(() => read('work/.vscode/mcp.json')).toThrow('ENOENT');
});

it.each([
  ['claude-code', [], 'work/.mcp.json'],
  ['claude', ['--scope', 'user'], 'home/.claude.json'],
  ['claude-desktop', [], 'home/.config/Claude/claude_desktop_config.json'],
  ['cursor', [], 'work/.cursor/mcp.json'],
  ['vscode', ['--scope', 'user'], 'home/.config/Code/User/mcp.json'],
  ['gemini', [], 'work/.gemini/settings.json'],
  ['codex', [], 'codex/config.toml'],
  ['codex', ['--scope', 'project'], 'work/.codex/config.toml'],
])('writes the file of %s %j', async (client, more, path) => {
  if (process.platform !== 'linux') return;
  expect(await mcpctl('export', '-p', 'demo', '--client', client, '--write', ...more)).toBe(0);
  expect(stdout).toBe(`${join(folder, path)}\n`);
  expect(read(path)).toMatch(/"connect",\s*"-p",\s*"demo"/);
  expect(statSync(join(folder, path)).mode & 0o777).toBe(path.startsWith('work/') ? 0o644 : 0o600);
  const before = read(path);
  expect(await mcpctl('export', '-p', 'demo', '--client', client, '--write', ...more)).toBe(0);
  expect(read(path)).toBe(before);
});

it('configures Claude Code, next to what is there', async () => {
  write('work/.mcp.json', '{\n  "mcpServers": {\n    "other": { "command": "x" }\n  }\n}\n');
  expect(await mcpctl('config', 'claude', '-p', 'demo', '--state-dir', 'state')).toBe(0);
  expect(read('work/.mcp.json')).toBe(
    `{
  "mcpServers": {
    "other": { "command": "x" },
    "demo": {
      "type": "stdio",
      "command": "mcpctl",
      "args": [
        "connect",
        "-p",
        "demo",
        "--state-dir",
        "${join(folder, 'work', 'state')}"
      ]
    }
  }
}
`,
  );
});

it('never writes the token', async () => {
  for (const client of ['claude-code', 'claude-desktop', 'cursor', 'vscode', 'gemini', 'codex']) {
    expect(await mcpctl('export', '-p', 'demo', '--client', client, '--server', 'https://mcp.example.com')).toBe(0);
    expect(stdout + stderr).not.toContain('never-to-be-written');
  }
});

it('follows a user’s own link, but none in a project', async () => {
  write('dotfiles/claude.json', '{}\n');
  mkdirSync(join(folder, 'home'));
  symlinkSync('../dotfiles/claude.json', join(folder, 'home', '.claude.json'));
  expect(await mcpctl('config', 'claude', '-p', 'demo', '--scope', 'user')).toBe(0);
  expect(read('dotfiles/claude.json')).toContain('"demo"');

  mkdirSync(join(folder, 'elsewhere'));
  symlinkSync('../elsewhere', join(folder, 'work', '.cursor'));
  expect(await mcpctl('export', '-p', 'demo', '--client', 'cursor', '--write')).toBe(1);
  expect(stderr).toContain('FILE_NOT_REGULAR');
});

it.each<[string, string[], number, string]>([
  ['a client that is not known', ['--client', 'emacs', '-p', 'demo'], 2, 'Allowed choices'],
  ['no project', ['--client', 'cursor'], 2, '--project'],
  ['a name that is no project’s', ['--client', 'cursor', '-p', '../x'], 2, 'cannot name a project'],
  ['a name that no client takes', ['--client', 'cursor', '-p', 'demo', '--name', 'a b'], 2, 'cannot name an entry'],
  ['an address that is none', ['--client', 'cursor', '-p', 'demo', '--server', 'example'], 2, 'http:// or https://'],
  [
    'a scope that is not there',
    ['--client', 'claude-desktop', '-p', 'demo', '--scope', 'project', '--write'],
    2,
    'no file per project',
  ],
  ['somebody else’s entry', ['--client', 'cursor', '-p', 'taken', '--write'], 1, 'CLIENT_ENTRY_TAKEN'],
])('refuses %s', async (_situation, args, code, message) => {
  const text = '{"mcpServers": {"taken": {"url": "https://x.example"}}}';
  write('work/.cursor/mcp.json', text);
  expect(await mcpctl('export', ...args)).toBe(code);
  expect(stderr).toContain(message);
  expect(read('work/.cursor/mcp.json')).toBe(text);
});
