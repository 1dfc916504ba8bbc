import { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import type { KubeApi, Socket } from './api.ts';

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const STATUS = 3;

/** How a program that exec ran has ended, as the API tells it. */
const ExecStatus = z.object({
  status: z.string(),
  message: z.string().default(''),
  details: z
    .object({
      causes: z.array(z.object({ reason: z.string().default(''), message: z.string().default('') })).default([]),
    })
    .default({ causes: [] }),
});

/** The three streams of a program in a pod. */
export interface Streams {
  stdin: Writable;
  stdout: Readable;
  /** Settles with how it ended; with undefined when only the connection has. */
  ended: Promise<{ code: number } | { refused: string } | undefined>;
  close(): void;
}

/** Nothing more is read of stdout than somebody takes: a program that writes without end is made to wait. */
export async function openStreams(api: KubeApi, path: string, onStderr: (chunk: Buffer) => void): Promise<Streams> {
  let socket: Socket | undefined;
  let status: { code: number } | { refused: string } | undefined;
  const stdout = new Readable({
    read: () => socket?.resume(),
    destroy(_error, done) {
      socket?.close();
      done(null);
    },
  });
  stdout.on('error', () => undefined);
  socket = await api.socket(path, (channel, data) => {
    if (channel === STDOUT && !stdout.destroyed && !stdout.push(data)) socket?.pause();
    else if (channel === STDERR) onStderr(data);
    else if (channel === STATUS) {
      status = statusOf(data.toString('utf8'));
      // The program has ended; some servers leave the connection open.
      socket?.close();
    }
  });
  const open = socket;
  const stdin = new Writable({
    write(chunk, _encoding, done) {
      open.send(STDIN, chunk);
      done();
    },
  });
  stdin.on('error', () => undefined);
  const ended = open.closed.then(() => {
    stdout.push(null);
    stdin.destroy();
    return status;
  });
  return { stdin, stdout, ended, close: () => open.close() };
}

function statusOf(text: string): { code: number } | { refused: string } {
  try {
    const { status, message, details } = ExecStatus.parse(JSON.parse(text));
    if (status === 'Success') return { code: 0 };
    const code = details.causes.find(({ reason }) => reason === 'ExitCode')?.message;
    return code === undefined ? { refused: message } : { code: Number(code) };
  } catch {
    return { refused: text.slice(0, 500) };
  }
}

/** The path of exec for a pod. */
export function execPath(namespace: string, pod: string, argv: readonly string[], stdin: boolean): string {
  const query = new URLSearchParams({ container: 'server', stdin: String(stdin), stdout: 'true', stderr: 'true' });
  for (const word of argv) query.append('command', word);
  return `/api/v1/namespaces/${namespace}/pods/${pod}/exec?${query}`;
}

/** The path of attach to a pod's first process. */
export function attachPath(namespace: string, pod: string): string {
  return `/api/v1/namespaces/${namespace}/pods/${pod}/attach?container=server&stdin=true&stdout=true&stderr=true`;
}
