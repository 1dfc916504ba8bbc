import type { connectUpstream, Surface, Upstream } from '../../reconciler/mcp/index.ts';
import type { Connection } from '../../reconciler/runtimes/index.ts';
import { type Problem, problem } from '../../schema/index.ts';
import type { Behaviour } from './declared.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** Somebody at the other end of a connection. */
export interface Peer {
  /** The instance that it is, or the server where it runs elsewhere. */
  id: string;
  behaviour: Behaviour;
  /** Whether it is there. */
  alive(): boolean;
  /** Settles when it is gone, and that is noticed. */
  gone: Promise<unknown>;
}

export interface NetworkFaults {
  /** Servers, and single instances, to which nothing gets through, and from which nothing comes back. */
  partitioned: Set<string>;
  slowMs: number;
}

const SURFACE: Surface = { tools: [{ name: 'works' }], prompts: [] };

/** Speaks with servers, through a network that may be cut at any time. */
export function simulatedConnect(
  peerOf: (connection: Connection, server: string) => Peer | undefined,
  faults: NetworkFaults,
  clock: VirtualClock,
): typeof connectUpstream {
  return async (connection, { name, timeoutMs, signal }) => {
    const peer = peerOf(connection, name);
    const isCut = () => faults.partitioned.has(name) || faults.partitioned.has(peer?.id ?? name);
    const answers = () => peer?.alive() === true && peer.behaviour !== 'mute' && !isCut();

    /** One exchange. @returns whether an answer came */
    async function ask(patience: number, over?: AbortSignal): Promise<boolean> {
      const way = 2 + faults.slowMs;
      if (answers() && way <= patience) {
        await clock.sleep(way, over);
        if (answers() && over?.aborted !== true) return true;
      }
      // A process that is gone leaves a closed pipe behind.
      const refused = peer?.alive() !== true && !isCut();
      if (!refused) await clock.sleep(Math.max(0, patience - way), over);
      return false;
    }

    const unreachable = (): Problem => problem('SERVER_UNREACHABLE', `${name} does not answer`);
    if (!(await ask(timeoutMs, signal))) {
      return { problem: problem('SERVER_INITIALIZE_TIMEOUT', `${name} did not answer within ${timeoutMs} ms`) };
    }
    const closed = Promise.withResolvers<Problem>();
    void peer?.gone.then(() => closed.resolve(problem('SERVER_EXITED', `${name} closed the connection`)));
    const upstream: Upstream = {
      era: 'modern',
      protocolVersion: '2026-07-28',
      serverInfo: { name: peer?.id ?? name, version: '1' },
      instructions: undefined,
      surface: SURFACE,
      onSurfaceChanged: () => () => {},
      closed: closed.promise,
      async probe(options) {
        if (!(await ask(options.timeoutMs ?? 10_000, options.signal))) throw new Error(unreachable().message);
      },
      async request(_method, _params, options) {
        if (!(await ask(options?.timeoutMs ?? 10_000, options?.signal))) throw new Error(unreachable().message);
        return peer?.behaviour === 'ill' ? { isError: true, content: [{ text: 'it is ill' }] } : { content: [] };
      },
      close: async () => {},
    };
    return upstream;
  };
}
