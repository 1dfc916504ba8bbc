import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type ClientName, findClient } from './clients.ts';
import type { GatewayEntry } from './gateway-entry.ts';
import { render } from './render.ts';

const fixtures = join(import.meta.dirname, '..', '..', 'tests', 'fixtures', 'clients');

const bridge: GatewayEntry = {
  name: 'demo',
  project: 'demo',
  via: { kind: 'bridge', options: [] },
  platform: 'linux',
};
const address: GatewayEntry = { ...bridge, via: { kind: 'url', server: 'https://mcp.example.com' } };

function rendered(name: ClientName, text: string, entry: GatewayEntry): string {
  const client = findClient(name);
  if (!client) throw new Error('no such client');
  const result = render(client, text, entry, 'file');
  return 'text' in result ? result.text : `${result.problem.code}: ${result.problem.message}`;
}

function fixture(name: string): string {
  return readFileSync(join(fixtures, name), 'utf8');
}

/** The lines that are not in both, as `diff` shows them. */
function changed(before: string, after: string): string {
  const [old, now] = [before.split('\n'), after.split('\n')];
  const gone = old.filter(line => !now.includes(line)).map(line => `- ${line}`);
  const added = now.filter(line => !old.includes(line)).map(line => `+ ${line}`);
  return `\n${[...gone, ...added].join('\n')}\n`;
}

it.each<[ClientName, string]>([
  ['claude-code', '{"mcpServers":{"demo":{"type":"stdio","command":"mcpctl","args":["connect","-p","demo"]}}}'],
  ['claude-desktop', '{"mcpServers":{"demo":{"command":"mcpctl","args":["connect","-p","demo"]}}}'],
  ['cursor', '{"mcpServers":{"demo":{"type":"stdio","command":"mcpctl","args":["connect","-p","demo"]}}}'],
  ['vscode', '{"servers":{"demo":{"type":"stdio","command":"mcpctl","args":["connect","-p","demo"]}}}'],
  ['gemini', '{"mcpServers":{"demo":{"command":"mcpctl","args":["connect","-p","demo"]}}}'],
])('writes a new file with the bridge for %s', (client, expected) => {
  expect(JSON.stringify(JSON.parse(rendered(client, '', bridge)))).toBe(expected);
});

it.each<[ClientName, string]>([
  [
    'claude-code',
    `{"type":"http","url":"https://mcp.example.com/mcp/demo","headers":{"Authorization":"Bearer \${MCPCTL_TOKEN}"}}`,
  ],
  ['cursor', `{"url":"https://mcp.example.com/mcp/demo","headers":{"Authorization":"Bearer \${env:MCPCTL_TOKEN}"}}`],
  [
    'vscode',
    `{"type":"http","url":"https://mcp.example.com/mcp/demo","headers":{"Authorization":"Bearer \${input:mcpctl-token}"}}`,
  ],
  ['gemini', `{"httpUrl":"https://mcp.example.com/mcp/demo","headers":{"Authorization":"Bearer $MCPCTL_TOKEN"}}`],
])('writes the address with a token from elsewhere for %s', (client, expected) => {
  const { mcpServers, servers } = JSON.parse(rendered(client, '', address));
  expect(JSON.stringify((mcpServers ?? servers).demo)).toBe(expected);
});

it('writes a new file for Codex', () => {
  expect(rendered('codex', '', bridge)).toBe(
    '[mcp_servers.demo]\ncommand = "mcpctl"\nargs = ["connect", "-p", "demo"]\n',
  );
  expect(rendered('codex', '', address)).toBe(
    '[mcp_servers.demo]\nurl = "https://mcp.example.com/mcp/demo"\nbearer_token_env_var = "MCPCTL_TOKEN"\n',
  );
});

it('starts the bridge through cmd on Windows', () => {
  expect(JSON.parse(rendered('claude-desktop', '', { ...bridge, platform: 'win32' })).mcpServers.demo).toEqual({
    command: 'cmd',
    args: ['/c', 'mcpctl', 'connect', '-p', 'demo'],
  });
});

it.each<[ClientName, string]>([
  ['claude-code', 'claude-code.mcp.json'],
  ['claude-desktop', 'claude_desktop_config.json'],
  ['cursor', 'cursor.mcp.json'],
  ['vscode', 'vscode.mcp.json'],
  ['gemini', 'gemini.settings.json'],
  ['codex', 'codex.config.toml'],
])('adds to the file of %s and touches nothing else; twice is once', (client, file) => {
  for (const entry of client === 'claude-desktop' ? [bridge] : [bridge, address]) {
    const text = fixture(file);
    const once = rendered(client, text, entry);
    // A comma may be needed after what was the last.
    const lines = new Set(once.split('\n').map(line => line.replace(/,$/, '')));
    expect(text.split('\n').filter(line => !lines.has(line.replace(/,$/, '')))).toEqual([]);
    expect(rendered(client, once, entry)).toBe(once);
  }
});

it('keeps the comments of VS Code’s file, and asks for the token', () => {
  const text = fixture('vscode.mcp.json');
  expect(changed(text, rendered('vscode', text, address))).toMatchInlineSnapshot(`
    "
    +     {
    +       "type": "promptString",
    +       "id": "mcpctl-token",
    +       "description": "Access token of the mcpctl gateway",
    +       "password": true
    +     "demo": {
    +       "type": "http",
    +       "url": "https://mcp.example.com/mcp/demo",
    +       "headers": {
    +         "Authorization": "Bearer \${input:mcpctl-token}"
    +       }
    "
  `);
});

it('replaces its own table in Codex’s file, with what belongs to it', () => {
  const text = `model = "x"\n\n[mcp_servers.demo]\nurl = "http://old"\nbearer_token_env_var = "MCPCTL_TOKEN"\n\n[mcp_servers.demo.tools.echo]\napproval_mode = "auto"\n\n# The next one.\n[mcp_servers.other]\ncommand = "x"\n`;
  expect(rendered('codex', text, bridge)).toBe(
    `model = "x"\n\n[mcp_servers.demo]\ncommand = "mcpctl"\nargs = ["connect", "-p", "demo"]\n\n# The next one.\n[mcp_servers.other]\ncommand = "x"\n`,
  );
});

it('keeps tabs, CRLF and a byte order mark', () => {
  const text = '\ufeff{\r\n\t"mcpServers": {}\r\n}\r\n';
  expect(rendered('cursor', text, { ...bridge, project: 'p', name: 'p' })).toBe(
    '\ufeff{\r\n\t"mcpServers": {\r\n\t\t"p": {\r\n\t\t\t"type": "stdio",\r\n\t\t\t"command": "mcpctl",\r\n\t\t\t"args": [\r\n\t\t\t\t"connect",\r\n\t\t\t\t"-p",\r\n\t\t\t\t"p"\r\n\t\t\t]\r\n\t\t}\r\n\t}\r\n}\r\n',
  );
});

it.each<[string, string, string]>([
  ['an empty object', '{}', '{\n  "mcpServers": {\n    "demo": VALUE\n  }\n}'],
  ['an object in one line', '{ "a": 1 }', '{ "a": 1, "mcpServers": {"demo":COMPACT} }'],
  [
    'a comment after the last entry',
    '{\n "mcpServers": {\n  "a": {} // kept\n }\n}',
    '{\n "mcpServers": {\n  "a": {}, // kept\n  "demo": VALUE\n }\n}',
  ],
  [
    'a trailing comma',
    '{\n "mcpServers": {\n  "a": {}, /* x */\n },\n}',
    '{\n "mcpServers": {\n  "a": {}, /* x */\n  "demo": VALUE,\n },\n}',
  ],
  ['nothing but a comment', '{\n  // none\n}', '{\n  // none\n  "mcpServers": {\n    "demo": VALUE\n  }\n}'],
])('adds to %s', (_situation, text, expected) => {
  const value = { command: 'mcpctl', args: ['connect', '-p', 'demo'] };
  const result = rendered('claude-desktop', text, bridge);
  const compact = result.replace(JSON.stringify(value), 'COMPACT');
  expect(compact.replace(/(?<="demo": )\{[^}]*\}/, 'VALUE')).toBe(expected);
});

it.each<[string, ClientName, string, string]>([
  ['JSON that is broken', 'cursor', '{"mcpServers": {', 'CLIENT_FILE_INVALID: not valid JSON'],
  ['JSON that is no object', 'cursor', '[]', 'CLIENT_FILE_INVALID: not a JSON object'],
  ['servers that are no object', 'cursor', '{"mcpServers": []}', 'CLIENT_FILE_INVALID: `mcpServers` is not an object'],
  ['somebody else’s entry', 'cursor', '{"mcpServers": {"demo": {"url": "https://x"}}}', 'CLIENT_ENTRY_TAKEN: '],
  ['inputs that are no list', 'vscode', '{"inputs": {}}', 'CLIENT_FILE_INVALID: `inputs` is not a list'],
  ['TOML that is broken', 'codex', 'a = [', 'CLIENT_FILE_INVALID: not valid TOML'],
  ['somebody else’s table', 'codex', '[mcp_servers.demo]\ncommand = "x"', 'CLIENT_ENTRY_TAKEN: '],
  ['servers in one line', 'codex', 'mcp_servers = {a = {command = "x"}}', 'CLIENT_FILE_INVALID: the entry cannot'],
])('leaves alone %s', (_situation, client, text, expected) => {
  expect(rendered(client, text, address)).toContain(expected);
});
