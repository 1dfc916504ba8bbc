import type { Duplex, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { createLogRing } from '../log-ring.ts';
import type { Connection, Exit, RunningInstance } from '../runtime.ts';
import { exitOf, exitOfCode, type Found } from './found.ts';
import { splitFrames } from './frames.ts';

/** How long the rest of the output is awaited when a container has ended. */
const DRAIN_MS = 1_000;

/** A container that this daemon speaks with. */
export interface DockerInstance extends RunningInstance {
  container: string;
  /** Streams of the server's, or its URL; the newest caller has them. */
  connect(): Promise<Connection>;
  /** Tell the server that nothing more comes. */
  hangUp(): void;
  /** It has ended, or it is gone: by what was found, or by a reason alone. */
  settle(found: Found | undefined, reason?: string): void;
  /** Let go of its streams; it goes on. */
  release(): void;
}

export interface Parts {
  docker: Docker;
  id: string;
  specDigest: string;
  container: string;
  startedAt: number;
  adopted: boolean;
  secrets: readonly string[];
  /** The address, for network servers. */
  url: string | undefined;
  /** Opens the streams of the server: attaches to the first process, or runs it. */
  open(): Promise<Opened>;
  /** A server that was run inside has ended by itself: its container shall not idle on. */
  putAway(): Promise<void>;
}

export interface Opened {
  stream: Duplex;
  /** For a server that was run by exec: how it ended, once its stream has. */
  ended?: () => Promise<number | undefined>;
}

/** @param first the streams that were opened before the start, so that no line is lost; without, `connect` opens them */
export function createDockerInstance(parts: Parts, first: Opened | undefined): DockerInstance {
  const { id, specDigest, container, startedAt, adopted, url } = parts;
  const ring = createLogRing(parts.secrets);
  const { promise: exited, resolve } = Promise.withResolvers<Exit>();
  let settled = false;
  let released = false;
  let given = false;
  let current = first && take(first);

  function take({ stream, ended }: Opened): { stream: Duplex; stdout: Readable; drained: Promise<void> } {
    const stdout = splitFrames(stream, chunk => ring.add(chunk));
    // A network server's output is a log like its errors.
    if (url !== undefined) stdout.on('data', (chunk: Buffer) => ring.add(chunk));
    const drained = new Promise<void>(done => {
      stream.once('close', done);
      stream.once('end', done);
    });
    if (ended) void drained.then(() => endedByItself(stream, ended));
    return { stream, stdout, drained };
  }

  async function endedByItself(stream: Duplex, ended: () => Promise<number | undefined>): Promise<void> {
    if (released || current?.stream !== stream) return;
    const code = await ended().catch(() => undefined);
    if (code === undefined || released || settled) return;
    await parts.putAway();
    await finish(lastLine => ({ ...exitOfCode(code), lastLine }));
  }

  async function finish(exit: (lastLine: string) => Exit): Promise<void> {
    if (settled) return;
    settled = true;
    await Promise.race([current?.drained, sleep(DRAIN_MS, undefined, { ref: false })]);
    ring.end();
    current?.stream.destroy();
    resolve(exit(ring.lines().findLast(line => line.trim() !== '') ?? ''));
  }

  return {
    id,
    specDigest,
    container,
    startedAt,
    adopted,
    caveats: [],
    exited,
    logs: () => ring.lines(),
    linesWritten: () => ring.written(),
    async connect() {
      current ??= take(await parts.open());
      if (url !== undefined) return { kind: 'http', url };
      const alive = !current.stream.destroyed && !current.stdout.readableEnded && current.stream.writable;
      if (given && !alive) current = take(await parts.open());
      else if (given) current.stdout.removeAllListeners('data');
      given = true;
      return { kind: 'stdio', stdin: current.stream, stdout: current.stdout };
    },
    hangUp: () => void current?.stream.end(),
    settle(found, reason) {
      void finish(lastLine =>
        found
          ? exitOf(found, lastLine)
          : { code: null, signal: 'SIGKILL', lastLine, ...(reason !== undefined && { reason }) },
      );
    },
    release() {
      released = true;
      current?.stream.destroy();
    },
  };
}
