import { z } from 'zod';
import { type ImportedServer, literal, type NamedText, type Text } from './imported.ts';
import { type Dialect, readText } from './references.ts';

/** Numbers and booleans are written where text is meant. */
const Scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);

/** What the JSON clients have in common; keys of one client alone are read here too, and do no harm in the others. */
const Entry = z.looseObject({
  type: z.string().optional(),
  transport: z.string().optional(),
  command: z.string().min(1).optional(),
  args: z.array(Scalar).optional(),
  env: z.record(z.string(), Scalar.nullable()).optional(),
  cwd: z.string().optional(),
  url: z.string().optional(),
  httpUrl: z.string().optional(),
  serverUrl: z.string().optional(),
  headers: z.record(z.string(), Scalar).optional(),
  description: z.string().optional(),
  disabled: z.boolean().optional(),
  enabled: z.boolean().optional(),
});
type Entry = z.infer<typeof Entry>;

const CARRIED = new Set(Object.keys(Entry.shape));

/** What to do about a key that has no place in a Server; others are named without advice. */
const ADVICE: Record<string, string> = {
  envFile: 'name its variables one by one in `env`',
  headersHelper: 'headers are made by no program; put the header into a Secret',
  oauth: 'sign-in with a browser is not for a daemon; put a token into a Secret',
  auth: 'sign-in with a browser is not for a daemon; put a token into a Secret',
  authProviderType: 'sign-in of this kind is not for a daemon; put a token into a Secret',
  includeTools: 'what a project shows is said in the Project',
  excludeTools: 'what a project shows is said in the Project',
  sandbox: 'what a server may reach is said in `isolation`',
  sandboxEnabled: 'what a server may reach is said in `isolation`',
};

/**
 * Read one entry of a JSON client.
 * @returns why it is no server, without the name and the full stop, when it is none
 */
export function parseEntry(
  name: string,
  value: unknown,
  { dialect, sseUrls = false }: { dialect: Dialect; sseUrls?: boolean },
): ImportedServer | { refused: string } {
  const parsed = Entry.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.join('.') ?? '';
    return { refused: path === '' ? 'it is not an object' : `\`${path}\` is not what is expected there` };
  }
  const entry = parsed.data;
  const text = (value: string) => readText(value, dialect);
  const start = startOf(entry, text, sseUrls);
  if ('refused' in start) return start;
  return {
    name,
    ...(entry.description && { description: entry.description }),
    start,
    env: named(entry.env, text),
    headers: start.kind === 'url' ? named(entry.headers, text) : [],
    disabled: entry.disabled === true || entry.enabled === false,
    left: Object.keys(entry)
      .filter(key => !CARRIED.has(key))
      .map(leftOut),
  };
}

/** A sentence on a key that is not carried over. */
export function leftOut(key: string): string {
  const advice = ADVICE[key];
  return `\`${key}\` is not carried over${advice === undefined ? '' : `: ${advice}`}`;
}

function startOf(
  entry: Entry,
  text: (value: string) => Text,
  sseUrls: boolean,
): ImportedServer['start'] | { refused: string } {
  const { command, args = [], cwd, httpUrl } = entry;
  if (command !== undefined) {
    return { kind: 'command', argv: [command, ...args].map(text), ...(cwd !== undefined && { cwd: text(cwd) }) };
  }
  const url = httpUrl ?? entry.url ?? entry.serverUrl;
  if (url === undefined) return { refused: 'it has neither `command` nor `url`' };
  const type = (entry.type ?? entry.transport)?.toLowerCase();
  if (type === 'ws' || type === 'websocket') return { refused: 'it speaks WebSocket' };
  const isSse = type === 'sse' || (sseUrls && type === undefined && httpUrl === undefined);
  return { kind: 'url', transport: isSse ? 'sse' : 'streamable-http', url: text(url) };
}

function named(values: Record<string, string | null> | undefined, text: (value: string) => Text): NamedText[] {
  return Object.entries(values ?? {}).map(([name, value]) => ({
    name,
    // VS Code unsets a variable with null; a daemon's servers inherit none.
    value: value === null ? literal('') : text(value),
  }));
}
