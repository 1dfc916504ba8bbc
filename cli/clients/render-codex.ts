import { isDeepStrictEqual } from 'node:util';
import { parse, TomlError } from 'smol-toml';
import { type Problem, problem } from '../../schema/index.ts';
import { entryValue, type GatewayEntry, isGatewayEntry } from './gateway-entry.ts';
import { isRecord } from './json-file.ts';
import { type Rendered, takenBy } from './render-json.ts';

/**
 * Put a gateway's entry into the text of Codex's `config.toml`, as a table of its own: at the end, or in the place of
 * the one there is. Everything else stays as it is.
 */
export function renderCodex(text: string, entry: GatewayEntry, file: string): Rendered {
  const before = read(text, file);
  if ('problem' in before) return before;
  const { mcp_servers: entries } = before.document;
  const taken = takenBy(entries, entry.name, 'mcp_servers', file);
  if (taken) return { problem: taken };
  const value = entryValue('codex', entry);
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const table = [`[mcp_servers.${entry.name}]`, ...Object.entries(value).map(([key, one]) => `${key} = ${toml(one)}`)];
  const edited = replaceTable(text, entry.name, table, eol);
  const after = read(edited, file);
  const expected = { ...before.document, mcp_servers: { ...(entries as object | undefined), [entry.name]: value } };
  // A table inside a text, or servers that are no tables of their own: better nothing than something wrong.
  if ('problem' in after || !isDeepStrictEqual(plain(after.document), plain(expected))) {
    const hint = `Add it by hand:\n${table.join('\n')}`;
    return { problem: problem('CLIENT_FILE_INVALID', 'the entry cannot be added to it', { hint, at: { file } }) };
  }
  return { text: edited };
}

/** The text without a gateway’s table; undefined when it has none of that name, or would say something else then. */
export function removeFromCodex(text: string, name: string): string | undefined {
  const before = read(text, name);
  const servers = 'problem' in before ? undefined : before.document.mcp_servers;
  if ('problem' in before || !isRecord(servers) || !isGatewayEntry(servers[name])) return undefined;
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const edited = withoutGap(replaceTable(text, name, [], eol), eol);
  const after = read(edited, name);
  if ('problem' in after) return undefined;
  const { [name]: _, ...others } = servers;
  const { mcp_servers: __, ...rest } = before.document;
  const expected = Object.keys(others).length === 0 ? rest : { ...rest, mcp_servers: others };
  return isDeepStrictEqual(plain(after.document), plain(expected)) ? edited : undefined;
}

/** What was put at the end had a blank line before it. */
function withoutGap(text: string, eol: string): string {
  const body = text.trimEnd();
  return body === '' ? '' : `${body}${eol}`;
}

function read(text: string, file: string): { document: Record<string, unknown> } | { problem: Problem } {
  try {
    return { document: parse(text.replace(/^\ufeff/, '')) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const { line, column } = error;
    return { problem: problem('CLIENT_FILE_INVALID', 'not valid TOML', { at: { file, line, column } }) };
  }
}

function replaceTable(text: string, name: string, table: readonly string[], eol: string): string {
  const lines = text.split(/\r?\n/);
  const own = new RegExp(`^\\s*\\[\\s*mcp_servers\\s*\\.\\s*["']?${name}["']?\\s*(\\]|\\.)`);
  const start = lines.findIndex(line => own.test(line));
  if (start === -1) {
    const body = text.trimEnd();
    return `${body === '' ? '' : `${body}${eol}${eol}`}${table.join(eol)}${eol}`;
  }
  const next = lines.findIndex((line, index) => index > start && /^\s*\[/.test(line) && !own.test(line));
  let end = next === -1 ? lines.length : next;
  // Blank lines and comments before the next table belong to that one.
  while (/^\s*(?:#.*)?$/.test(lines[end - 1] ?? '')) end--;
  return [...lines.slice(0, start), ...table, ...lines.slice(end)].join(eol);
}

function toml(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(toml).join(', ')}]` : JSON.stringify(value);
}

/** Without the prototypes that the parser gives, which are no difference. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isRecord(value) || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}
