import type { Upstream } from '../mcp/index.ts';

/** A connection whose calls are counted. */
export interface CountedUpstream extends Upstream {
  /** Calls that are under way. */
  readonly inFlight: number;
  /** Resolves as soon as none is. */
  idle(): Promise<void>;
}

/** Count the calls of a connection, so that an instance can be let go when nobody uses it. */
export function countCalls(upstream: Upstream): CountedUpstream {
  let inFlight = 0;
  let waiting: (() => void)[] = [];
  return {
    era: upstream.era,
    protocolVersion: upstream.protocolVersion,
    serverInfo: upstream.serverInfo,
    instructions: upstream.instructions,
    closed: upstream.closed,
    get surface() {
      return upstream.surface;
    },
    get inFlight() {
      return inFlight;
    },
    onSurfaceChanged: listener => upstream.onSurfaceChanged(listener),
    probe: options => upstream.probe(options),
    close: () => upstream.close(),
    idle: () => (inFlight === 0 ? Promise.resolve() : new Promise(resolve => waiting.push(resolve))),
    async request(method, params, options) {
      inFlight++;
      try {
        return await upstream.request(method, params, options);
      } finally {
        inFlight--;
        if (inFlight === 0) {
          for (const resolve of waiting) resolve();
          waiting = [];
        }
      }
    },
  };
}
