import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Dialect } from './references.ts';

/** The AI clients whose files are read and written. docs/clients.md says which description of each format is followed. */
export type ClientName = 'claude-code' | 'claude-desktop' | 'cursor' | 'vscode' | 'gemini' | 'codex';

/** How a file is laid out; `registry` describes one server and belongs to no client. */
export type Format = 'mcp-servers' | 'vscode' | 'codex' | 'registry';

export type ClientScope = 'project' | 'user';

/** What decides where files are. */
export interface Machine {
  env: Readonly<Record<string, string | undefined>>;
  platform: string;
  /** The project's folder. */
  cwd: string;
}

export interface Client {
  name: ClientName;
  title: string;
  format: Exclude<Format, 'registry'>;
  dialect: Dialect;
  /** The files it reads, the one written by default first. */
  files: readonly { scope: ClientScope; path(machine: Machine): string }[];
  /** What a person does after the file has changed. */
  after: string;
}

export const clients: readonly Client[] = [
  {
    name: 'claude-code',
    title: 'Claude Code',
    format: 'mcp-servers',
    dialect: 'claude-code',
    files: [
      { scope: 'project', path: ({ cwd }) => join(cwd, '.mcp.json') },
      { scope: 'user', path: machine => join(machine.env.CLAUDE_CONFIG_DIR || home(machine), '.claude.json') },
    ],
    after: 'Start `claude` in that folder and allow the server; `/mcp` shows it.',
  },
  {
    name: 'claude-desktop',
    title: 'Claude Desktop',
    format: 'mcp-servers',
    dialect: 'none',
    files: [{ scope: 'user', path: machine => join(appData(machine), 'Claude', 'claude_desktop_config.json') }],
    after: 'Quit Claude Desktop and start it again.',
  },
  {
    name: 'cursor',
    title: 'Cursor',
    format: 'mcp-servers',
    dialect: 'cursor',
    files: [
      { scope: 'project', path: ({ cwd }) => join(cwd, '.cursor', 'mcp.json') },
      { scope: 'user', path: machine => join(home(machine), '.cursor', 'mcp.json') },
    ],
    after: 'Reload the window; the settings list the server under MCP.',
  },
  {
    name: 'vscode',
    title: 'VS Code',
    format: 'vscode',
    dialect: 'vscode',
    files: [
      { scope: 'project', path: ({ cwd }) => join(cwd, '.vscode', 'mcp.json') },
      { scope: 'user', path: machine => join(appData(machine), 'Code', 'User', 'mcp.json') },
    ],
    after: 'Run “MCP: List Servers” and start it.',
  },
  {
    name: 'gemini',
    title: 'Gemini CLI',
    format: 'mcp-servers',
    dialect: 'gemini',
    files: [
      { scope: 'project', path: ({ cwd }) => join(cwd, '.gemini', 'settings.json') },
      { scope: 'user', path: machine => join(home(machine), '.gemini', 'settings.json') },
    ],
    after: 'Start `gemini` again; `/mcp` shows it.',
  },
  {
    name: 'codex',
    title: 'Codex',
    format: 'codex',
    dialect: 'none',
    files: [
      // First the user's: Codex reads a project's file only where the project is trusted.
      { scope: 'user', path: machine => join(machine.env.CODEX_HOME || join(home(machine), '.codex'), 'config.toml') },
      { scope: 'project', path: ({ cwd }) => join(cwd, '.codex', 'config.toml') },
    ],
    after: 'Start `codex` again; `/mcp` shows it.',
  },
];

/** The client of a name; `claude` is Claude Code. */
export function findClient(name: string): Client | undefined {
  const wanted = name === 'claude' ? 'claude-code' : name;
  return clients.find(client => client.name === wanted);
}

function home({ env }: Machine): string {
  return env.HOME || env.USERPROFILE || homedir();
}

/** Where applications of a desktop keep what they are told. */
function appData(machine: Machine): string {
  const { env, platform } = machine;
  if (platform === 'darwin') return join(home(machine), 'Library', 'Application Support');
  if (platform === 'win32') return env.APPDATA || join(home(machine), 'AppData', 'Roaming');
  return env.XDG_CONFIG_HOME || join(home(machine), '.config');
}
