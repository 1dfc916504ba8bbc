import type { McpObject } from '../../reconciler/mcp/index.ts';

/** Between a server's name and its tool's or prompt's. Server names hold no `_`, so the first one splits. */
const SEPARATOR = '__';

const prefixed = new WeakMap<readonly McpObject[], { server: string; items: McpObject[] }>();

/** The objects under the names clients see. The same array in gives the same one out, so that listing costs nothing. */
export function withServerName(server: string, items: readonly McpObject[]): readonly McpObject[] {
  const known = prefixed.get(items);
  if (known?.server === server) return known.items;
  const renamed = items.map(item => ({ ...item, name: `${server}${SEPARATOR}${item.name}` }));
  prefixed.set(items, { server, items: renamed });
  return renamed;
}

/** The server and its own name for what a client named; undefined for a name without a server. */
export function splitName(name: string): { server: string; name: string } | undefined {
  const at = name.indexOf(SEPARATOR);
  if (at < 1) return undefined;
  return { server: name.slice(0, at), name: name.slice(at + SEPARATOR.length) };
}
