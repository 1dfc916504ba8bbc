import { setTimeout as sleep } from 'node:timers/promises';
import type { Problem } from '../../../schema/index.ts';
import { createLogRing, type LogRing } from '../log-ring.ts';
import type { Connection, Exit, RunningInstance } from '../runtime.ts';
import { containerOf, exitOfCode, exitOfContainer, type Pod } from './found.ts';
import type { Streams } from './streams.ts';

/** How long the rest of the output is awaited when a server has ended. */
const DRAIN_MS = 1_000;

/** A pod that this daemon speaks with. */
export interface KubeInstance extends RunningInstance {
  uid: string;
  pod: string;
  namespace: string;
  labels: Record<string, string>;
  connect(): Promise<Connection>;
  /** The pod has changed: did its server end? */
  look(pod: Pod): void;
  /** It is gone, or given up. */
  settle(reason?: string): void;
  /** Let go of its streams; it goes on. */
  release(): void;
}

export interface Parts {
  id: string;
  specDigest: string;
  pod: Pod;
  startedAt: number;
  adopted: boolean;
  secrets: readonly string[];
  caveats: readonly Problem[];
  /** Of a network server. */
  url: string | undefined;
  /** Opens the streams of the server; `ring` is given what it writes to stderr. */
  open(ring: LogRing): Promise<Streams | undefined>;
  /** The newest lines that the cluster kept, for a server whose streams were opened too late. */
  keptLines(): Promise<string[]>;
  close(): void;
}

/** @throws what opening the streams throws */
export async function createKubeInstance(parts: Parts): Promise<KubeInstance> {
  const { id, specDigest, startedAt, adopted, url, caveats } = parts;
  const ring = createLogRing(parts.secrets);
  const { promise: exited, resolve } = Promise.withResolvers<Exit>();
  const restarts = containerOf(parts.pod)?.restartCount ?? 0;
  let settled = false;
  let released = false;
  let given = false;
  let current = await take();

  async function take(): Promise<Streams | undefined> {
    const streams = await parts.open(ring);
    void streams?.ended.then(end => {
      if (released || current !== streams || !end || !('code' in end)) return;
      void finish(lastLine => ({ ...exitOfCode(end.code), lastLine }));
    });
    return streams;
  }

  async function finish(exit: (lastLine: string) => Exit): Promise<void> {
    if (settled) return;
    settled = true;
    if (current) await Promise.race([current.ended, sleep(DRAIN_MS, undefined, { ref: false })]);
    ring.end();
    if (ring.written() === 0) for (const line of await parts.keptLines()) ring.add(Buffer.from(`${line}\n`));
    current?.close();
    parts.close();
    resolve(exit(ring.lines().findLast(line => line.trim() !== '') ?? ''));
  }

  return {
    id,
    specDigest,
    uid: parts.pod.metadata.uid,
    pod: parts.pod.metadata.name,
    namespace: parts.pod.metadata.namespace,
    labels: parts.pod.metadata.labels,
    startedAt,
    adopted,
    caveats,
    exited,
    logs: () => ring.lines(),
    linesWritten: () => ring.written(),
    async connect() {
      if (url !== undefined) return { kind: 'http', url };
      const alive = current && !current.stdout.destroyed && !current.stdout.readableEnded && !current.stdin.destroyed;
      if (!alive) current = await take();
      else if (given) current?.stdout.removeAllListeners('data');
      given = true;
      if (!current) throw new Error(`${id} has no streams`);
      return { kind: 'stdio', stdin: current.stdin, stdout: current.stdout };
    },
    look(pod) {
      const container = containerOf(pod);
      const end =
        container?.state.terminated ??
        (container && container.restartCount > restarts ? container.lastState.terminated : undefined);
      if (end) void finish(lastLine => exitOfContainer(end, lastLine));
    },
    settle(reason) {
      void finish(lastLine => ({ code: null, signal: 'SIGKILL', lastLine, ...(reason !== undefined && { reason }) }));
    },
    release() {
      released = true;
      current?.close();
      parts.close();
    },
  };
}
