import { Readable, Writable } from 'node:stream';

/** The two ends of a stream of JSON-RPC lines. */
export interface Ends {
  stdin: Writable;
  stdout: Readable;
}

/** One server over stdio, and several who speak with it. */
export interface Mux {
  /** For this process; asked for again, the newest has the output. */
  own(): Ends;
  /** For another process: its lines in, the server's for it out. */
  join(peer: { write(line: Uint8Array): void }): { hear(line: Buffer): void; leave(): void };
}

interface Message {
  id?: unknown;
  method?: unknown;
  result?: unknown;
  params?: Record<string, unknown> & { _meta?: Record<string, unknown> };
}

/** Stands before the ids that peers gave their requests. */
const PREFIX = 'mcpctl/';
const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';
/** What is longer is nobody's but our own: a peer's answer is taken apart to be passed on. */
const MAX_LINE_BYTES = 32 * 1024 * 1024;
const NEWLINE = Buffer.from('\n');

/**
 * Requests of peers get ids of their own, answers and progress go back to who asked, notifications go to all. What the
 * server asks is asked of this process. A peer's `initialize` is answered with what the server told us.
 */
export function createMux(server: Ends): Mux {
  const peers = new Map<string, { write(line: Uint8Array): void }>();
  const waiting: ((result: unknown) => void)[] = [];
  let greeting: { id: unknown } | undefined;
  let greeted: unknown;
  let count = 0;
  let own: Readable | undefined;

  server.stdout.on('data', splitLines(heard));
  server.stdout.on('end', () => own?.push(null));
  server.stdout.on('close', () => own?.push(null));

  function say(line: Uint8Array, done?: (error?: Error | null) => void): void {
    server.stdin.write(line, done);
  }

  function toOwn(line: Buffer): void {
    if (own && !own.push(line)) server.stdout.pause();
  }

  function heard(line: Buffer): void {
    if (greeting) noteGreeting(line);
    const message = peers.size === 0 || line.length > MAX_LINE_BYTES ? undefined : parsed(line);
    const addressed = message && addressee(message);
    if (addressed) peers.get(addressed)?.write(lineOf(message));
    else {
      toOwn(line);
      if (message && message.id === undefined) for (const peer of peers.values()) peer.write(line);
    }
  }

  /** What `initialize` was answered, is told every peer. */
  function noteGreeting(line: Buffer): void {
    const message = parsed(line);
    if (!message || message.method !== undefined || message.id !== greeting?.id || message.result === undefined) return;
    greeted = message.result;
    greeting = undefined;
    for (const tell of waiting.splice(0)) tell(greeted);
  }

  function said(line: Buffer): void {
    if (!line.includes('"initialize"')) return;
    const message = parsed(line);
    if (message?.method === 'initialize') greeting = { id: message.id };
  }

  return {
    own() {
      own?.push(null);
      const stdout = new Readable({ read: () => void server.stdout.resume() });
      own = stdout;
      const split = splitLines(line => {
        said(line);
        say(line);
      });
      const stdin = new Writable({
        write(chunk, _encoding, done) {
          split(chunk);
          if (server.stdin.writableNeedDrain) server.stdin.once('drain', () => done());
          else done();
        },
      });
      stdin.on('error', () => undefined);
      server.stdin.once('close', () => stdin.destroy());
      return { stdin, stdout };
    },
    join(peer) {
      const name = String(++count);
      peers.set(name, peer);
      return {
        hear(line) {
          const message = parsed(line);
          if (!message) return;
          if (message.method === 'initialize') {
            const tell = (result: unknown) => peer.write(lineOf({ jsonrpc: '2.0', id: message.id, result }));
            if (greeted === undefined) waiting.push(tell);
            else tell(greeted);
          } else if (message.method !== 'notifications/initialized' && message.method !== undefined) {
            say(lineOf(ours(message, name)));
          }
        },
        leave: () => void peers.delete(name),
      };
    },
  };
}

/** A peer's message as the server is told it. */
function ours(message: Message, peer: string): Message {
  const renamed = (id: unknown) => `${PREFIX}${peer}/${JSON.stringify(id)}`;
  const { params } = message;
  const next = { ...message };
  if (message.id !== undefined) next.id = renamed(message.id);
  if (params && message.method === 'notifications/cancelled') {
    next.params = { ...params, requestId: renamed(params.requestId) };
  }
  if (params?._meta?.progressToken !== undefined) {
    next.params = { ...params, _meta: { ...params._meta, progressToken: renamed(params._meta.progressToken) } };
  }
  return next;
}

/** Whose a message of the server is, which is given back the ids that the peer knows. */
function addressee(message: Message): string | undefined {
  const { params } = message;
  const answered = message.method === undefined ? original(message.id) : undefined;
  if (answered) message.id = answered.id;
  const progress = original(params?.progressToken);
  if (params && progress) params.progressToken = progress.id;
  const subscribed = original(params?._meta?.[SUBSCRIPTION]);
  if (params?._meta && subscribed) params._meta[SUBSCRIPTION] = subscribed.id;
  const result = message.result as { _meta?: Record<string, unknown> } | undefined;
  const ended = original(result?._meta?.[SUBSCRIPTION]);
  if (result?._meta && ended) result._meta[SUBSCRIPTION] = ended.id;
  return (answered ?? progress ?? subscribed)?.peer;
}

function original(id: unknown): { peer: string; id: unknown } | undefined {
  if (typeof id !== 'string' || !id.startsWith(PREFIX)) return undefined;
  const [peer = '', ...rest] = id.slice(PREFIX.length).split('/');
  try {
    return { peer, id: JSON.parse(rest.join('/')) };
  } catch {
    return undefined;
  }
}

function parsed(line: Buffer): Message | undefined {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function lineOf(message: object): Buffer {
  return Buffer.from(`${JSON.stringify(message)}\n`);
}

/** Whole lines, each with its end; of one that is far too long, what there is of it. */
export function splitLines(onLine: (line: Buffer) => void): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let size = 0;
  return chunk => {
    let rest = chunk;
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      const line = rest.subarray(0, end + 1);
      onLine(parts.length > 0 ? Buffer.concat([...parts, line]) : line);
      parts = [];
      size = 0;
      rest = rest.subarray(end + 1);
    }
    if (rest.length === 0) return;
    parts.push(rest);
    size += rest.length;
    if (size <= MAX_LINE_BYTES) return;
    onLine(Buffer.concat(parts));
    parts = [];
    size = 0;
  };
}
