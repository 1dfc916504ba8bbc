import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/client';
import { compareText, type Problem, problem } from '../../schema/index.ts';
import type { Peer } from './peer.ts';
import type { McpObject } from './upstream.ts';

export type ListKind = 'tools' | 'prompts';

const MAX_PAGES = 64;
const MAX_ITEMS = 5_000;
const MAX_NAME_LENGTH = 128;
/** Of a whole list, as JSON, in UTF-16 code units: it is kept, and sent to every client that asks. */
const MAX_LIST_LENGTH = 8 * 1024 * 1024;

export interface ListOptions {
  name: string;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  onProblem: (problem: Problem) => void;
}

/**
 * Everything a server lists of a kind, all pages, sorted by name; what cannot be served is left out with a problem.
 * @returns undefined when the server answers with an error, which is reported
 */
export async function listAll(peer: Peer, kind: ListKind, options: ListOptions): Promise<McpObject[] | undefined> {
  const items = new Map<string, McpObject>();
  const fullness = { seen: 0, length: 0 };
  let cursor: string | undefined;
  try {
    for (let page = 0; page < MAX_PAGES; page++) {
      const result = await peer.request(`${kind}/list`, cursor === undefined ? {} : { cursor }, options);
      const listed = result[kind];
      if (!Array.isArray(listed)) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `no list of ${kind}`);
      const limit = collect(listed, kind, items, fullness, options);
      if (limit !== undefined) return bounded(items, kind, `more than ${limit} ${kind}`, options);
      const { nextCursor } = result;
      if (typeof nextCursor !== 'string' || nextCursor === '') return sorted(items);
      cursor = nextCursor;
    }
    return bounded(items, kind, `its ${kind} on more than ${MAX_PAGES} pages`, options);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    if (error.code === ProtocolErrorCode.MethodNotFound) return [];
    options.onProblem(problem('SERVER_PROTOCOL', `${options.name} did not list its ${kind}: ${error.message}`));
    return undefined;
  }
}

/** Add a page's items. @returns the limit that was reached, if any */
function collect(
  listed: readonly unknown[],
  kind: ListKind,
  items: Map<string, McpObject>,
  fullness: { seen: number; length: number },
  { name: server, onProblem }: ListOptions,
): string | undefined {
  for (const item of listed) {
    fullness.seen += 1;
    if (fullness.seen > MAX_ITEMS) return String(MAX_ITEMS);
    const name = (item as { name?: unknown } | null)?.name;
    const why = unusable(name) ?? (items.has(name as string) ? 'a name that is listed twice' : undefined);
    if (why !== undefined) {
      onProblem(problem('SERVER_ITEM_DROPPED', `${server} lists one of its ${kind} with ${why}`));
      continue;
    }
    fullness.length += JSON.stringify(item).length;
    if (fullness.length > MAX_LIST_LENGTH) return `${MAX_LIST_LENGTH / 1024 / 1024} MiB of`;
    items.set(name as string, item as McpObject);
  }
  return undefined;
}

function unusable(name: unknown): string | undefined {
  if (typeof name !== 'string' || name === '') return 'a name that is empty or no text';
  if (name.length > MAX_NAME_LENGTH) return `a name longer than ${MAX_NAME_LENGTH} characters`;
  return /[\u0000-\u001f\u007f-\u009f]/.test(name) ? 'a name that is not printable' : undefined;
}

function bounded(items: Map<string, McpObject>, kind: ListKind, what: string, options: ListOptions): McpObject[] {
  const kept = sorted(items);
  options.onProblem(
    problem('SERVER_ITEM_DROPPED', `${options.name} lists ${what}; ${kept.length} are served (${kind})`),
  );
  return kept;
}

function sorted(items: Map<string, McpObject>): McpObject[] {
  return [...items.values()].sort((a, b) => compareText(a.name, b.name));
}
