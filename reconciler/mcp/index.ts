/** Connections to running MCP servers, of both protocol eras. */
export { type ConnectOptions, connectUpstream } from './connect.ts';
export type { McpObject, RequestOptions, Surface, Upstream } from './upstream.ts';
