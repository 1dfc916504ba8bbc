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

/** An answer whose body was not read yet: each must be, or be destroyed. Redirects are answers like others. */
export interface LightAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: IncomingMessage;
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
          resolve({ status, headers: answer.headers, body: answer });
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

/** As curl has them: for `http://` only the small one, since a web server hands on a header under the other name. */
function proxyVariables(env: LightHttpOptions['env']): Record<string, string> {
  const all = env.all_proxy || env.ALL_PROXY;
  const http = env.http_proxy || all;
  const https = env.https_proxy || env.HTTPS_PROXY || all;
  const not = env.no_proxy || env.NO_PROXY;
  return { ...(http && { http_proxy: http }), ...(https && { https_proxy: https }), ...(not && { no_proxy: not }) };
}
