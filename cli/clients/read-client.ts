import { basename } from 'node:path';
import type { Client, ClientName, Format } from './clients.ts';
import { clients } from './clients.ts';
import type { Parsed } from './imported.ts';
import { isRecord, readJsonObject } from './json-file.ts';
import { parseCodex } from './parse-codex.ts';
import { jsonParsers, type ParseOptions } from './parse-json.ts';
import { parseRegistry } from './parse-registry.ts';

/** Reads what a client's file declares. */
export function parseClient(client: Client, text: string, options: ParseOptions): Parsed {
  return client.name === 'codex' ? parseCodex(text, options) : jsonParsers[client.name](text, options);
}

/**
 * Reads a file whose client is not named: told by its path, else by what is in it. `guessed` is the client when only that
 * told it: of some files it cannot be said for sure.
 */
export function parseUnnamed(
  path: string,
  text: string,
  options: ParseOptions,
): (Parsed & { guessed?: Client }) | undefined {
  const slashed = path.replaceAll('\\', '/');
  const named = names.find(([pattern]) => pattern.test(slashed))?.[1];
  const format = named ?? formatOf(path, text);
  if (format === 'registry') return parseRegistry(text, options);
  const client = clients.find(({ name }) => name === format);
  return client && { ...parseClient(client, text, options), ...(named === undefined && { guessed: client }) };
}

/** The names that files have by themselves; `settings.json` and `mcp.json` say more with their folder. */
const names: readonly [pattern: RegExp, format: ClientName | Extract<Format, 'registry'>][] = [
  [/(?:^|\/)\.mcp\.json$/, 'claude-code'],
  [/(?:^|\/)\.claude\.json$/, 'claude-code'],
  [/(?:^|\/)claude_desktop_config\.json$/, 'claude-desktop'],
  [/(?:^|\/)\.cursor\/mcp\.json$/, 'cursor'],
  [/(?:^|\/)(?:\.vscode|Code\/User)\/mcp\.json$/, 'vscode'],
  [/(?:^|\/)\.gemini\/settings\.json$/, 'gemini'],
  [/\.toml$/, 'codex'],
  [/(?:^|\/)server\.json$/, 'registry'],
];

function formatOf(path: string, text: string): ClientName | 'registry' | undefined {
  const document = readJsonObject(text, basename(path));
  // Told as broken by the parser, with the place.
  if ('problem' in document) return 'claude-code';
  if (isRecord(document.mcpServers)) {
    const servers = Object.values(document.mcpServers);
    if (isRecord(document.mcp) || servers.some(one => isRecord(one) && one.httpUrl !== undefined)) return 'gemini';
    return /\$\{(?:env:|workspaceFolder|userHome)/.test(text) ? 'cursor' : 'claude-code';
  }
  if (isRecord(document.servers)) return 'vscode';
  return Array.isArray(document.packages) || Array.isArray(document.remotes) ? 'registry' : undefined;
}
