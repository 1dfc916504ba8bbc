import type { Problem } from '../../schema/index.ts';

/** A tool, prompt or other MCP object as the server sent it: passed on unchanged but for its name. */
export type McpObject = { name: string } & Record<string, unknown>;

/** What a server offers, as it last listed it; each list in the server's own names, sorted by name. */
export interface Surface {
  tools: readonly McpObject[];
  prompts: readonly McpObject[];
}

export interface RequestOptions {
  /** Aborting cancels the request upstream. */
  signal?: AbortSignal;
  /** Milliseconds; a hard limit. */
  timeoutMs?: number;
  onProgress?: (progress: Record<string, unknown>) => void;
}

/** A connected and initialised MCP server, of either protocol era. */
export interface Upstream {
  /** `modern`: 2026-07-28 and later; `legacy`: with the `initialize` handshake. */
  readonly era: 'modern' | 'legacy';
  readonly protocolVersion: string;
  readonly serverInfo: { name: string; version: string } | undefined;
  readonly instructions: string | undefined;
  /** As last listed; replaced when the server says that its lists changed. */
  readonly surface: Surface;
  /** Called after `surface` was replaced by another one. Returns the way to stop listening. */
  onSurfaceChanged(listener: () => void): () => void;
  /** Settles when the connection is lost, with the reason. Never rejects. */
  readonly closed: Promise<Problem>;
  /**
   * `tools/call` or `prompts/get` with the server's own name for it; the result as the server sent it.
   * Rejects with the SDK's ProtocolError for JSON-RPC errors, so that code, message and data can be passed on.
   */
  request(
    method: 'tools/call' | 'prompts/get',
    params: Record<string, unknown>,
    options?: RequestOptions,
  ): Promise<Record<string, unknown>>;
  /**
   * Ask for something that costs little, the way calls are asked for: the list of its tools; of its prompts when it has
   * only those; else whether it is there. Rejects as `request` does.
   */
  probe(options: RequestOptions): Promise<unknown>;
  close(): Promise<void>;
}
