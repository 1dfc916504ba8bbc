import { type Problem, problem } from '../../schema/index.ts';
import type { ClientName } from './clients.ts';
import type { Parsed } from './imported.ts';
import { isRecord, readJsonObject } from './json-file.ts';
import { parseEntry } from './parse-entry.ts';
import type { Dialect } from './references.ts';

type JsonClient = Exclude<ClientName, 'codex'>;

export interface ParseOptions {
  /** For messages. */
  file: string;
  /** Claude Code keeps servers per project folder in its user file; those of this folder are read too. */
  projectFolder?: string;
}

/** Claude Code's `.mcp.json` and `~/.claude.json`: `mcpServers`, and `projects.<folder>.mcpServers`. */
export function parseClaudeCode(text: string, options: ParseOptions): Parsed {
  return parseWith(text, options, { dialect: 'claude-code' }, document => {
    const { projectFolder } = options;
    const projects = isRecord(document.projects) ? document.projects : {};
    const own = projectFolder === undefined ? undefined : projects[projectFolder];
    // As Claude Code has it: what is said for one folder wins over what is said for all.
    return { ...mapOf(document.mcpServers), ...(isRecord(own) && mapOf(own.mcpServers)) };
  });
}

/** Claude Desktop's `claude_desktop_config.json`: `mcpServers` with programs only; nothing is expanded. */
export function parseClaudeDesktop(text: string, options: ParseOptions): Parsed {
  return parseWith(text, options, { dialect: 'none' }, ({ mcpServers }) => mapOf(mcpServers));
}

/** Cursor's `mcp.json`: `mcpServers`. */
export function parseCursor(text: string, options: ParseOptions): Parsed {
  return parseWith(text, options, { dialect: 'cursor' }, ({ mcpServers }) => mapOf(mcpServers));
}

/** VS Code's `mcp.json`: `servers`, and `inputs` that say what `${input:…}` asks for. */
export function parseVscode(text: string, options: ParseOptions): Parsed {
  return parseWith(text, options, { dialect: 'vscode' }, ({ servers }) => mapOf(servers));
}

/** Gemini CLI's `settings.json`: `mcpServers`, where `url` is an SSE endpoint and `httpUrl` is Streamable HTTP. */
export function parseGemini(text: string, options: ParseOptions): Parsed {
  return parseWith(text, options, { dialect: 'gemini', sseUrls: true }, document => {
    const excluded = isRecord(document.mcp) && Array.isArray(document.mcp.excluded) ? document.mcp.excluded : [];
    const entries = Object.entries(mapOf(document.mcpServers) ?? {}).map(([name, entry]) => [
      name,
      isRecord(entry) && excluded.includes(name) ? { ...entry, disabled: true } : entry,
    ]);
    return Object.fromEntries(entries);
  });
}

export const jsonParsers: Record<JsonClient, (text: string, options: ParseOptions) => Parsed> = {
  'claude-code': parseClaudeCode,
  'claude-desktop': parseClaudeDesktop,
  cursor: parseCursor,
  vscode: parseVscode,
  gemini: parseGemini,
};

function parseWith(
  text: string,
  { file }: ParseOptions,
  reading: { dialect: Dialect; sseUrls?: boolean },
  entriesOf: (document: Record<string, unknown>) => Record<string, unknown> | undefined,
): Parsed {
  const document = readJsonObject(text, file);
  if ('problem' in document) return { servers: [], problems: [document.problem as Problem] };
  const result: Parsed = { servers: [], problems: [] };
  for (const [name, value] of Object.entries(entriesOf(document) ?? {})) {
    const server = parseEntry(name, value, reading);
    if ('refused' in server) result.problems.push(notImported(name, server.refused, file));
    else result.servers.push(server);
  }
  return result;
}

/** An entry that becomes no server. */
export function notImported(name: string, why: string, file: string): Problem {
  return problem('IMPORT_LEFT_OUT', `\`${name}\` is not imported: ${why}`, { at: { file } });
}

function mapOf(value: unknown): Record<string, unknown> | undefined {
  return isRecord(value) ? value : undefined;
}
