import { parse, TomlError } from 'smol-toml';
import { z } from 'zod';
import { problem } from '../../schema/index.ts';
import { type ImportedServer, literal, type NamedText, type Parsed } from './imported.ts';
import { isRecord } from './json-file.ts';
import { leftOut } from './parse-entry.ts';
import { notImported, type ParseOptions } from './parse-json.ts';

const Strings = z.record(z.string(), z.string());

const Entry = z.looseObject({
  command: z.string().min(1).optional(),
  args: z.array(z.string()).default([]),
  env: Strings.default({}),
  env_vars: z
    .array(z.union([z.string(), z.looseObject({ name: z.string() }).transform(({ name }) => name)]))
    .default([]),
  cwd: z.string().optional(),
  url: z.string().optional(),
  bearer_token_env_var: z.string().optional(),
  http_headers: Strings.default({}),
  env_http_headers: Strings.default({}),
  enabled: z.boolean().default(true),
  name: z.string().optional(),
});
type Entry = z.infer<typeof Entry>;

/** Codex's `config.toml`: `[mcp_servers.NAME]`. Nothing is expanded; variables are named in keys of their own. */
export function parseCodex(text: string, { file }: ParseOptions): Parsed {
  const servers = readServers(text, file);
  if ('problems' in servers) return { servers: [], problems: servers.problems };
  const result: Parsed = { servers: [], problems: [] };
  for (const [name, value] of Object.entries(servers.entries)) {
    const server = parseEntry(name, value);
    if ('refused' in server) result.problems.push(notImported(name, server.refused, file));
    else result.servers.push(server);
  }
  return result;
}

function readServers(text: string, file: string): { entries: Record<string, unknown> } | Pick<Parsed, 'problems'> {
  try {
    const { mcp_servers: entries = {} } = parse(text.replace(/^\ufeff/, ''));
    if (isRecord(entries)) return { entries };
    return { problems: [problem('CLIENT_FILE_INVALID', '`mcp_servers` is not a table', { at: { file } })] };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const { line, column } = error;
    // Its message quotes the lines around, which may hold a secret.
    return { problems: [problem('CLIENT_FILE_INVALID', 'not valid TOML', { at: { file, line, column } })] };
  }
}

function parseEntry(name: string, value: unknown): ImportedServer | { refused: string } {
  const parsed = Entry.safeParse(value);
  if (!parsed.success) {
    return { refused: `\`${parsed.error.issues[0]?.path.join('.') ?? ''}\` is not what is expected there` };
  }
  const entry = parsed.data;
  const start = startOf(entry);
  if (!start) return { refused: 'it has neither `command` nor `url`' };
  return {
    name,
    start,
    env: [...literals(entry.env), ...entry.env_vars.map(variable => reference(variable, variable))],
    headers: start.kind === 'url' ? headersOf(entry) : [],
    disabled: !entry.enabled,
    left: Object.keys(entry)
      .filter(key => !Object.hasOwn(Entry.shape, key))
      .map(leftOut),
  };
}

function startOf({ command, args, cwd, url }: Entry): ImportedServer['start'] | undefined {
  if (command !== undefined) {
    return { kind: 'command', argv: [command, ...args].map(literal), ...(cwd !== undefined && { cwd: literal(cwd) }) };
  }
  if (url === undefined) return undefined;
  return { kind: 'url', transport: 'streamable-http', url: literal(url) };
}

function headersOf({ http_headers, env_http_headers, bearer_token_env_var: token }: Entry): NamedText[] {
  const bearer: NamedText[] =
    token === undefined
      ? []
      : [{ name: 'Authorization', value: [...literal('Bearer '), { kind: 'variable', name: token, secret: true }] }];
  const named = Object.entries(env_http_headers).map(([header, variable]) => reference(header, variable));
  return [...bearer, ...literals(http_headers), ...named];
}

function literals(values: Record<string, string>): NamedText[] {
  return Object.entries(values).map(([name, value]) => ({ name, value: literal(value) }));
}

function reference(name: string, variable: string): NamedText {
  return { name, value: [{ kind: 'variable', name: variable }] };
}
