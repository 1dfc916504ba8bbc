import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isLoopbackHost } from './addresses.ts';

export interface LightHttpOptions {
  /** Names the proxy (`http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`, in either case), as curl reads them. */
  env: Readonly<Record<string, string | undefined>>;
  /** PEM certificate authorities instead of Node’s own. */
  ca?: readonly string[];
  /** Milliseconds of silence. Default 30,000. */
  idleMs?: number;
}

export interface LightRequest {
  method?: 'GET' | 'POST';
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  signal?: AbortSignal;
}

/** An answer whose body was not read yet: each must be, or be discarded. Redirects are answers like others. */
export interface LightAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Whoever stops before its end closes the connection. */
  body: AsyncIterable<Buffer>;
  discard(): void;
}

/** An HTTP client of Node’s own parts, which loads in a few milliseconds. It judges no addresses: people chose them. */
export interface LightHttp {
  /** Rejects with Node’s error: ENOTFOUND, ECONNREFUSED, ETIMEDOUT for silence, an AbortError, … */
  request(url: string, request?: LightRequest): Promise<LightAnswer>;
}

const IDLE_MS = 30_000;

/** Open a client whose connections are kept while the process has something to ask. */
export function openLightHttp({ env, ca, idleMs = IDLE_MS }: LightHttpOptions): LightHttp {
  const agents = new Map<string, import('node:http').Agent>();

  function agentFor({ protocol, hostname }: URL) {
    // An `import` of these would load all that they can do besides.
    const module = process.getBuiltinModule(protocol === 'https:' ? 'node:https' : 'node:http');
    const direct = isLoopbackHost(hostname);
    const key = `${protocol} ${direct}`;
    const known = agents.get(key);
    if (known) return { module, agent: known };
    const agent = new module.Agent({
      ...{ keepAlive: true, ...(ca && { ca: [...ca] }) },
      ...(!direct && { proxyEnv: proxyVariables(env) }),
    });
    agents.set(key, agent);
    return { module, agent };
  }

  return {
    async request(address, { method = 'GET', headers = {}, body, signal } = {}) {
      const url = new URL(address);
      const { module, agent } = agentFor(url);
      return new Promise<LightAnswer>((resolve, reject) => {
        const sent = { ...headers, ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }) };
        const request = module.request(url, { method, headers: sent, agent, ...(signal && { signal }) }, answer => {
          const { statusCode: status = 0 } = answer;
          resolve({ status, headers: answer.headers, body: chunksOf(answer), discard: () => void answer.destroy() });
        });
        request.on('error', reject);
        request.setTimeout(idleMs, () => {
          request.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }));
        });
        request.end(body);
      });
    },
  };
}

/** So many pieces may wait for their reader. */
const MAX_WAITING = 64;

/** Pieces as they come: Node’s own way of reading joins those that wait, each time anew. */
async function* chunksOf(answer: IncomingMessage): AsyncGenerator<Buffer> {
  const waiting: Buffer[] = [];
  let failure: Error | undefined;
  let wake = (): void => undefined;
  answer.on('data', (chunk: Buffer) => {
    waiting.push(chunk);
    if (waiting.length >= MAX_WAITING) answer.pause();
    wake();
  });
  answer.on('error', error => {
    failure = error;
  });
  answer.on('close', () => wake());
  answer.on('end', () => wake());
  try {
    for (;;) {
      const chunk = waiting.shift();
      if (chunk) {
        yield chunk;
        if (waiting.length === 0) answer.resume();
        continue;
      }
      if (answer.readableEnded) return;
      if (answer.destroyed) throw failure ?? new Error('the connection was closed');
      await new Promise<void>(resolve => {
        wake = resolve;
      });
    }
  } finally {
    if (!answer.readableEnded) answer.destroy();
  }
}

/** As curl has them: for `http://` only the small one, since a web server hands on a header under the other name. */
function proxyVariables(env: LightHttpOptions['env']): Record<string, string> {
  const all = env.all_proxy || env.ALL_PROXY;
  const http = env.http_proxy || all;
  const https = env.https_proxy || env.HTTPS_PROXY || all;
  const not = env.no_proxy || env.NO_PROXY;
  return { ...(http && { http_proxy: http }), ...(https && { https_proxy: https }), ...(not && { no_proxy: not }) };
}
