import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/client';
import { compareText, type Problem, problem } from '../../schema/index.ts';
import type { Peer } from './peer.ts';
import type { McpObject } from './upstream.ts';

export type ListKind = 'tools' | 'prompts';

const MAX_PAGES = 64;
const MAX_ITEMS = 5_000;
const MAX_NAME_LENGTH = 128;

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
  let cursor: string | undefined;
  try {
    for (let page = 0; page < MAX_PAGES; page++) {
      const result = await peer.request(`${kind}/list`, cursor === undefined ? {} : { cursor }, options);
      const listed = result[kind];
      if (!Array.isArray(listed)) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `no list of ${kind}`);
      for (const item of listed) collect(item, kind, items, options);
      if (items.size >= MAX_ITEMS) return bounded(items, kind, `more than ${MAX_ITEMS} ${kind}`, options);
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

function collect(item: unknown, kind: ListKind, items: Map<string, McpObject>, options: ListOptions): void {
  const name = (item as { name?: unknown } | null)?.name;
  const why = unusable(name) ?? (items.has(name as string) ? 'listed twice' : undefined);
  if (why === undefined) items.set(name as string, item as McpObject);
  else
    options.onProblem(
      problem('SERVER_ITEM_DROPPED', `${options.name} lists one of its ${kind} with a name that is ${why}`),
    );
}

function unusable(name: unknown): string | undefined {
  if (typeof name !== 'string' || name === '') return 'empty or no text';
  if (name.length > MAX_NAME_LENGTH) return `longer than ${MAX_NAME_LENGTH} characters`;
  return /[\u0000-\u001f\u007f-\u009f]/.test(name) ? 'not printable' : undefined;
}

function bounded(items: Map<string, McpObject>, kind: ListKind, what: string, options: ListOptions): McpObject[] {
  const kept = sorted(items).slice(0, MAX_ITEMS);
  options.onProblem(
    problem('SERVER_ITEM_DROPPED', `${options.name} lists ${what}; ${kept.length} are served (${kind})`),
  );
  return kept;
}

function sorted(items: Map<string, McpObject>): McpObject[] {
  return [...items.values()].sort((a, b) => compareText(a.name, b.name));
}
