/** What a web server answered last, as git's trace tells it. */
export interface HttpAnswer {
  status: number;
  /** Names in lower case. */
  headers: ReadonlyMap<string, string>;
}

/** Makes git tell on stderr which headers it sent (without credentials) and received. */
export const traceVariables = { GIT_TRACE_CURL: '1', GIT_TRACE_CURL_NO_DATA: '1', GIT_TRACE_REDACT: '1' } as const;

const TRACE_LINE = /^\d\d:\d\d:\d\d\.\d{6} http\.c:\d+ +(.*)$/;

/** Take the trace out of what git wrote. @returns what is left, and the last answer in the trace */
export function readTrace(stderr: string): { stderr: string; answer: HttpAnswer | undefined } {
  const rest: string[] = [];
  let answer: { status: number; headers: Map<string, string> } | undefined;
  for (const line of stderr.split('\n')) {
    const traced = TRACE_LINE.exec(line)?.[1];
    if (traced === undefined) {
      rest.push(line);
      continue;
    }
    const received = /^<= Recv header: ?(.*?)\r?$/.exec(traced)?.[1] ?? '';
    const status = /^HTTP\/[\d.]+ (\d{3})/.exec(received)?.[1];
    if (status !== undefined) answer = { status: Number(status), headers: new Map() };
    const header = /^([A-Za-z0-9-]{1,100}): *(.{0,2000})$/.exec(received);
    if (header && answer) answer.headers.set((header[1] ?? '').toLowerCase(), header[2] ?? '');
  }
  return { stderr: rest.join('\n'), answer };
}

/** A forge that says nothing of when is left alone for a minute; one that says next year, for an hour. */
const DEFAULT_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 3_600_000;

/**
 * Until when a server wants to be left alone: 429, or 403 and 503 with a word on it (`Retry-After`, or a spent
 * `X-RateLimit-Remaining`, `RateLimit-Remaining`). Milliseconds since the epoch; undefined when it does not.
 */
export function limitedUntil({ status, headers }: HttpAnswer, now: number): number | undefined {
  if (![403, 429, 503].includes(status)) return undefined;
  const spent = (headers.get('x-ratelimit-remaining') ?? headers.get('ratelimit-remaining')) === '0';
  const after = headers.get('retry-after');
  if (status !== 429 && after === undefined && !spent) return undefined;
  const asked = after === undefined ? resetTime(headers, now) : retryTime(after, now);
  const wait = Number.isFinite(asked) ? asked - now : DEFAULT_WAIT_MS;
  return now + Math.min(Math.max(wait, 1_000), LONGEST_WAIT_MS);
}

/** `Retry-After`: seconds, or a date. */
function retryTime(text: string, now: number): number {
  return /^\d{1,12}$/.test(text.trim()) ? now + Number(text) * 1000 : Date.parse(text);
}

/** GitHub tells the second of the epoch, the draft standard how many seconds are left. */
function resetTime(headers: ReadonlyMap<string, string>, now: number): number {
  const text = headers.get('x-ratelimit-reset') ?? headers.get('ratelimit-reset') ?? '';
  const seconds = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  return seconds > 1_000_000_000 ? seconds * 1000 : now + seconds * 1000;
}

/** Where a redirect leads, without what may be secret in it. */
export function redirectTarget(answer: HttpAnswer | undefined, from: string): string | undefined {
  if (!answer || answer.status < 300 || answer.status > 399) return undefined;
  const url = URL.parse(answer.headers.get('location') ?? '', from);
  if (!url || !/^https?:$/.test(url.protocol)) return undefined;
  return `${url.origin}${url.pathname.replace(/\/info\/refs$/, '')}`;
}
