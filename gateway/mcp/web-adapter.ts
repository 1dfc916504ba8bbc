import type { IncomingMessage, ServerResponse } from 'node:http';

/** A web-standard handler of the SDK; the body is handed over parsed. */
export type WebHandler = (request: Request) => Promise<Response>;

/** How long an event stream is held back to see whether it is one message. */
const HOLD_MS = 1_000;
/** How much of a stream may wait for a client that does not read it; beyond it, the client is cut off. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;
const ONE_MESSAGE = /^event: message\ndata: ([^\n]*)\n\n$/;

/**
 * Serve a Node request by a web-standard handler. What is complete at once goes out as one write with its length,
 * where the SDK's own adapter needs four; streams are passed on as they come.
 * @param mayBeJson whether an event stream that turns out to be one message may be sent as plain JSON instead, which
 *   Streamable HTTP leaves to the server; clients read that faster. A slow answer stays a stream, kept alive.
 */
export async function serveWeb(
  handler: WebHandler,
  request: IncomingMessage,
  response: ServerResponse,
  { mayBeJson }: { mayBeJson: boolean },
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  const answer = await handler(toRequest(request, gone.signal));
  const headers = Object.fromEntries(answer.headers);
  if (!answer.body) {
    response.writeHead(answer.status, headers).end();
    return;
  }
  if (!headers['content-type']?.startsWith('text/event-stream')) {
    sendWhole(response, answer.status, headers, await answer.text());
    return;
  }
  await sendStream(response, answer.status, headers, answer.body, gone.signal, mayBeJson);
}

/** The request without its body, and without the token, which is nobody else's business. */
function toRequest(request: IncomingMessage, signal: AbortSignal): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (typeof value === 'string' && name !== 'authorization') headers.set(name, value);
  }
  return new Request(`http://${request.headers.host}${request.url}`, {
    method: request.method ?? 'GET',
    headers,
    signal,
  });
}

function sendWhole(response: ServerResponse, status: number, headers: Record<string, string>, text: string): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) }).end(text);
}

async function sendStream(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body: ReadableStream<Uint8Array>,
  gone: AbortSignal,
  mayBeJson: boolean,
): Promise<void> {
  const reader = body.getReader();
  gone.addEventListener('abort', () => void reader.cancel().catch(() => undefined), { once: true });
  let held: Uint8Array[] | undefined = mayBeJson ? [] : undefined;
  const timer = mayBeJson ? setTimeout(release, HOLD_MS) : undefined;
  if (!mayBeJson) begin();

  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      // The stream is read whatever the client does: what the SDK has queued is bounded by nothing.
      if (held) held.push(value);
      else if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
      else if (!response.destroyed) response.write(value);
    }
  } finally {
    clearTimeout(timer);
  }
  const text = held && Buffer.concat(held).toString('utf8');
  const message = text && ONE_MESSAGE.exec(text)?.[1];
  if (message !== undefined && message !== '') {
    const session = headers['mcp-session-id'];
    const kept = { 'content-type': 'application/json', ...(session !== undefined && { 'mcp-session-id': session }) };
    sendWhole(response, status, kept, message);
    return;
  }
  if (held) release();
  response.end();

  function begin(): void {
    response.writeHead(status, headers);
    response.flushHeaders();
  }

  function release(): void {
    begin();
    for (const chunk of held ?? []) response.write(chunk);
    held = undefined;
  }
}
