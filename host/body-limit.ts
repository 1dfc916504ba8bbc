/** A response body that was longer than allowed. `code` is `EBODYTOOLARGE`. */
class BodyTooLarge extends Error {
  readonly code = 'EBODYTOOLARGE';

  constructor(maxBytes: number) {
    super(`the response is larger than ${maxBytes} bytes`);
    this.name = 'BodyTooLarge';
  }
}

const NEWLINE = 10;

/**
 * The same response with a body that fails beyond `maxBytes`. Of an event stream, which has no end, each event may be
 * that long.
 */
export function limitBody(response: Response, maxBytes: number): Response {
  if (!response.body) return response;
  const stream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  const announced = Number(response.headers.get('content-length') ?? 0);
  if (!stream && announced > maxBytes) {
    response.body.cancel().catch(() => undefined);
    throw new BodyTooLarge(maxBytes);
  }
  // A body of a known and small length needs no counting, unless it is longer once decompressed.
  if (!stream && announced > 0 && !response.headers.has('content-encoding')) return response;
  let seen = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      seen = stream ? bytesOfOpenEvent(seen, chunk) : seen + chunk.byteLength;
      if (seen > maxBytes) throw new BodyTooLarge(maxBytes);
      controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(counter), { status, statusText, headers });
}

/** How many bytes of the event that is open at the end of the chunk were seen. */
function bytesOfOpenEvent(seen: number, chunk: Uint8Array): number {
  for (let at = chunk.lastIndexOf(NEWLINE); at > 0; at = chunk.lastIndexOf(NEWLINE, at - 1)) {
    const before = chunk[at - 1];
    if (before === NEWLINE || (before === 13 && chunk[at - 2] === NEWLINE)) return chunk.byteLength - at - 1;
  }
  return seen + chunk.byteLength;
}
