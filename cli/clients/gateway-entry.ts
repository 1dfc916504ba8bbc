import type { ClientName } from './clients.ts';

/** What `mcpctl export` puts into a client's file: one project of a gateway, and never a secret. */
export interface GatewayEntry {
  /** As the client shows it. */
  name: string;
  project: string;
  /** The bridge with its arguments, or the address, for clients that take a header from a variable. */
  via: { kind: 'bridge'; options: readonly string[] } | { kind: 'url'; server: string };
  platform: string;
}

/** The variable that clients read the token from. */
export const TOKEN_VARIABLE = 'MCPCTL_TOKEN';

/** What VS Code asks for instead of reading a variable. */
export const TOKEN_INPUT = {
  type: 'promptString',
  id: 'mcpctl-token',
  description: 'Access token of the mcpctl gateway',
  password: true,
} as const;

/** How a client writes the Authorization header; undefined for those that take no address in their file. */
const tokens: Partial<Record<ClientName, string>> = {
  'claude-code': `Bearer \${${TOKEN_VARIABLE}}`,
  cursor: `Bearer \${env:${TOKEN_VARIABLE}}`,
  vscode: `Bearer \${input:${TOKEN_INPUT.id}}`,
  gemini: `Bearer $${TOKEN_VARIABLE}`,
  codex: TOKEN_VARIABLE,
};

/** Whether a client can reach an address by itself without the token in its file. */
export function takesAddress(client: ClientName): boolean {
  return tokens[client] !== undefined;
}

/** The entry's value, as JSON or TOML data of that client. */
export function entryValue(client: ClientName, entry: GatewayEntry): Record<string, unknown> {
  const { via, project } = entry;
  if (via.kind === 'bridge') {
    const command = bridgeCommand(entry, via.options);
    const saysType = client === 'claude-code' || client === 'cursor' || client === 'vscode';
    return saysType ? { type: 'stdio', ...command } : command;
  }
  const url = `${via.server}/mcp/${project}`;
  if (client === 'codex') return { url, bearer_token_env_var: TOKEN_VARIABLE };
  const headers = { Authorization: tokens[client] };
  if (client === 'gemini') return { httpUrl: url, headers };
  return client === 'cursor' ? { url, headers } : { type: 'http', url, headers };
}

/** Whether an entry of a client's file was written by `mcpctl export`. */
export function isGatewayEntry(value: unknown): boolean {
  const text = JSON.stringify(value) ?? '';
  return text.includes(TOKEN_VARIABLE) || text.includes(TOKEN_INPUT.id) || /"mcpctl(?:\.cmd)?".*"connect"/.test(text);
}

function bridgeCommand({ project, platform }: GatewayEntry, options: readonly string[]) {
  const args = ['connect', '-p', project, ...options];
  // npm's programs are scripts on Windows, which are not started without a shell.
  return platform === 'win32' ? { command: 'cmd', args: ['/c', 'mcpctl', ...args] } : { command: 'mcpctl', args };
}
