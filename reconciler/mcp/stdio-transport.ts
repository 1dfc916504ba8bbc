import type { Readable, Writable } from 'node:stream';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import { redact } from '../../host/index.ts';
import { type Problem, problem } from '../../schema/index.ts';

/** Bytes of one message, its line end not counted. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Lines in a row that are not JSON-RPC; some servers print a banner. */
const MAX_RUBBISH_LINES = 1_000;
/** Bytes waiting for a server that does not read; beyond them, requests are refused. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;
const NEWLINE = 10;

export interface StdioTransport extends Transport {
  /** Why the connection ended; undefined while it lasts. */
  readonly failure: Problem | undefined;
  /** The first line that was not JSON-RPC, redacted and bounded. */
  readonly rubbish: string | undefined;
}

/**
 * MCP over a child's standard streams: newline-delimited JSON-RPC in both directions. Memory is bounded whatever the
 * child writes; the streams stay the caller's, and are only let go of when the connection closes.
 * @param name the server, for messages
 * @param secrets values that must not appear in messages
 */
export function createStdioTransport(
  stdin: Writable,
  stdout: Readable,
  name: string,
  secrets: readonly string[],
): StdioTransport {
  const lines = lineSplitter(MAX_MESSAGE_BYTES);
  let failure: Problem | undefined;
  let rubbish: string | undefined;
  let rubbishInARow = 0;

  const transport: StdioTransport = {
    get failure() {
      return failure;
    },
    get rubbish() {
      return rubbish;
    },
    async start() {
      stdin.on('error', onWriteError);
      stdout.on('data', onData);
      stdout.on('error', onEnd);
      stdout.on('end', onEnd);
      stdout.on('close', onEnd);
      if (stdout.readableEnded || stdout.destroyed) setImmediate(onEnd);
    },
    async send(message) {
      if (failure) throw new Error(failure.message);
      if (stdin.writableLength > MAX_UNREAD_BYTES) throw new Error(`${name} does not read its standard input`);
      stdin.write(`${JSON.stringify(message)}\n`);
    },
    async close() {
      end(problem('SERVER_EXITED', `The connection to ${name} was closed`));
    },
  };
  return transport;

  function onData(chunk: Buffer): void {
    const complete = lines.push(chunk);
    for (const line of complete) {
      if (failure) return;
      receive(line);
    }
    if (lines.overflowed && !failure) {
      end(problem('SERVER_PROTOCOL', `${name} wrote a message of more than ${MAX_MESSAGE_BYTES} bytes`));
      // Reading on would only throw away what comes; a closed pipe tells the server.
      stdout.destroy();
    }
  }

  function receive(line: string): void {
    if (line.trim() === '') return;
    const messages = parseMessages(line);
    if (!messages) {
      notJsonRpc(line);
      return;
    }
    rubbishInARow = 0;
    for (const message of messages) transport.onmessage?.(message);
  }

  function notJsonRpc(line: string): void {
    rubbish ??= redact(line.slice(0, 4_096), secrets, 200);
    rubbishInARow += 1;
    if (rubbishInARow > MAX_RUBBISH_LINES) {
      end(problem('SERVER_PROTOCOL', `${name} writes lines that are not JSON-RPC, the first was "${rubbish}"`));
      stdout.destroy();
    }
  }

  function onWriteError(error: NodeJS.ErrnoException): void {
    end(problem('SERVER_EXITED', `${name} closed its standard input (${error.code ?? error.message})`));
  }

  function onEnd(): void {
    end(problem('SERVER_EXITED', `${name} closed its standard output`));
  }

  function end(why: Problem): void {
    if (failure) return;
    failure = why;
    stdout.off('data', onData);
    lines.clear();
    // An error listener stays on both: a late EPIPE must not end the daemon.
    transport.onclose?.();
  }
}

/** Cuts a byte stream into lines, holding no more than `maxBytes` of an unfinished one. */
function lineSplitter(maxBytes: number) {
  let parts: Buffer[] = [];
  let held = 0;
  let overflowed = false;
  return {
    get overflowed() {
      return overflowed;
    },
    push(chunk: Buffer): string[] {
      const complete: string[] = [];
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
        if (held + at - from > maxBytes) break;
        const tail = chunk.subarray(from, at);
        complete.push((held === 0 ? tail : Buffer.concat([...parts, tail])).toString('utf8'));
        parts = [];
        held = 0;
        from = at + 1;
      }
      if (held + chunk.length - from > maxBytes && !overflowed) {
        overflowed = true;
        parts = [];
        held = 0;
      } else if (from < chunk.length && !overflowed) {
        parts.push(from === 0 ? chunk : chunk.subarray(from));
        held += chunk.length - from;
      }
      return complete;
    },
    clear() {
      parts = [];
      held = 0;
    },
  };
}

/** The messages of a line (an array is a batch of the 2025-03-26 revision), or undefined when it is not JSON-RPC. */
function parseMessages(line: string): JSONRPCMessage[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const messages = Array.isArray(value) ? value : [value];
  return messages.every(isMessage) ? messages : undefined;
}

function isMessage(value: unknown): value is JSONRPCMessage {
  return typeof value === 'object' && value !== null && (value as { jsonrpc?: unknown }).jsonrpc === '2.0';
}
