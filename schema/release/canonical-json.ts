import type { z } from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { type Problem, type ProblemCode, problem } from '../problem.ts';

/**
 * JSON in the one form that is signed and hashed: no white space, keys in code-unit order, whole numbers only, and what
 * is `undefined` left out. Two people who mean the same write the same bytes.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) return canonicalMembers(value);
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new TypeError(`${value} is not a whole number`);
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`no JSON for a ${typeof value}`);
  return text;
}

function canonicalMembers(value: object): string {
  const members: [string, unknown][] = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
}

/** A file in canonical JSON: one line. */
export function canonicalFile(value: unknown): string {
  return `${canonicalJson(value)}\n`;
}

/** These types are of the smaller of zod’s two kinds, which is there in half the time, and brings no words along. */
const english = { error: en().localeError };

/** With fewer bytes, compiling what checks them takes longer than checking them. */
const WORTH_COMPILING = 64 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What is wrong, and where in the value. */
export type Parsed<T> = { value: T } | { problem: Problem };

interface CanonicalOptions<T> {
  code: ProblemCode;
  /** What the file or text is, for people. */
  what: string;
  maxBytes: number;
  /** What writes the canonical form; one of its own where there is much of it. */
  print?: (value: T) => string;
}

/**
 * Parse text that must be canonical JSON of a type. Whatever another parser could read differently (a key twice, white
 * space, another order, `1e0`) is refused, because it is not what would be written.
 */
export function parseCanonical<T extends z.ZodMiniType>(
  bytes: Uint8Array,
  type: T,
  { code, what, maxBytes, print = canonicalFile }: CanonicalOptions<z.infer<T>>,
): Parsed<z.infer<T>> {
  const refuse = (why: string) => ({ problem: problem(code, `${what} ${why}`) });
  if (bytes.length > maxBytes) return refuse(`has ${bytes.length} bytes; ${maxBytes} are allowed`);
  let text: string;
  let given: unknown;
  try {
    text = utf8.decode(bytes);
    given = JSON.parse(text);
  } catch {
    return refuse('is not JSON in UTF-8');
  }
  const parsed = type.safeParse(given, { ...english, jitless: bytes.length < WORTH_COMPILING });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.map(String).join('.') ?? '';
    return refuse(`is not valid: ${path === '' ? '' : `\`${path.slice(0, 200)}\`: `}${issue?.message}`);
  }
  try {
    if (print(parsed.data) === text) return { value: parsed.data };
  } catch {
    // A number that is not whole: said below.
  }
  return refuse('is not in canonical form');
}
