import { setTimeout as sleep } from 'node:timers/promises';
import { request } from '@octokit/request';
import { z } from 'zod';
import { createHttpClient, redact } from '../../../host/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import type { GithubAddress } from './address.ts';
import { appAssertion, type GithubLogin } from './token.ts';

/** GitHub's API for one repository. Every method may throw a ProblemError REMOTE_*. */
export interface GithubApi {
  readonly address: GithubAddress;
  /** Call an endpoint; `{owner}` and `{repo}` are filled in. A refusal of the endpoint's own is a GithubRefusal. */
  call<T>(shape: z.ZodType<T>, route: string, parameters?: Record<string, unknown>): Promise<T>;
  /** All pages of a list, as the `Link` header names them; at most so many. */
  pages<T>(shape: z.ZodType<T>, route: string, parameters: Record<string, unknown>, most: number): Promise<T[]>;
  query<T>(shape: z.ZodType<T>, text: string, variables?: Record<string, unknown>): Promise<T>;
}

/** GitHub understood, and says no. */
export class GithubRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'GithubRefusal';
    this.status = status;
  }
}

/** Nothing came back: worth another try. */
class Unreached extends ProblemError {}

export interface GithubApiOptions {
  address: GithubAddress;
  /** Asked for each request. */
  login: () => Promise<GithubLogin | undefined>;
  signal?: AbortSignal | undefined;
  /** Milliseconds that limits and faults may hold one call up; longer ones are told. */
  patienceMs?: number;
}

interface Answer {
  status: number;
  headers: Record<string, string | number | undefined>;
  data: unknown;
}

const VERSION = '2022-11-28';
const ATTEMPTS = 5;
const PATIENCE_MS = 90_000;

const ErrorBody = z.object({
  message: z.string().catch(''),
  errors: z.array(z.union([z.string(), z.object({ message: z.string().catch('') })])).catch([]),
});
const GraphqlAnswer = z.object({
  data: z.unknown(),
  errors: z.array(z.object({ type: z.string().optional(), message: z.string() })).optional(),
});
const InstallationToken = z.object({ token: z.string(), expires_at: z.string() });

export function openGithubApi({ address, login, signal, patienceMs = PATIENCE_MS }: GithubApiOptions): GithubApi {
  const http = createHttpClient({ allowLoopback: true, allowPrivate: true });
  const { api, graphql, owner, name } = address;
  const secrets: string[] = [];
  let granted: { token: string; until: number; key: string } | undefined;

  async function token(): Promise<string> {
    const found = await login();
    if (!found) throw failed('REMOTE_AUTH', 'there is no token for GitHub any more');
    const secret = 'token' in found ? found.token : found.key;
    if (!secrets.includes(secret)) secrets.push(secret);
    if ('token' in found) return found.token;
    if (granted?.key === found.key && granted.until > Date.now() + 60_000) return granted.token;
    const assertion = appAssertion(found, Date.now());
    secrets.push(assertion);
    const route = 'POST /app/installations/{installation_id}/access_tokens';
    const { data } = await patient(route, { installation_id: found.installation }, assertion);
    const given = InstallationToken.parse(data);
    secrets.push(given.token);
    granted = { token: given.token, until: Date.parse(given.expires_at), key: found.key };
    return given.token;
  }

  /** One request. Redirects within the API are followed for what only reads, others are refused. */
  async function once(route: string, parameters: Record<string, unknown>, bearer: string): Promise<Answer> {
    const baseUrl = route.endsWith(GRAPHQL) ? graphql.slice(0, -GRAPHQL.length) : api;
    const headers = {
      authorization: `Bearer ${bearer}`,
      accept: 'application/vnd.github+json',
      'x-github-api-version': VERSION,
      'user-agent': 'mcpctl',
    };
    const { url, method, body, ...rest } = request.endpoint(route, {
      baseUrl,
      headers,
      ...(route.includes('{owner}') && { owner, repo: name }),
      ...parameters,
    });
    let target = url;
    for (let hop = 0; hop < 4; hop++) {
      const answer = await send(method, target, rest.headers, body);
      const next = REDIRECTS.has(answer.status) ? URL.parse(String(answer.headers.location ?? ''), target) : undefined;
      if (next === undefined) return answer;
      if (next === null || next.origin !== new URL(api).origin || method !== 'GET') {
        throw failed(
          'REMOTE_UNREACHABLE',
          `GitHub sends requests elsewhere (${next?.host ?? 'nowhere'}): the repository was moved or renamed`,
        );
      }
      target = next.href;
    }
    throw failed('REMOTE_UNREACHABLE', 'GitHub sends requests around in a circle');
  }

  async function send(method: string, url: string, headers: object, body: unknown): Promise<Answer> {
    try {
      const answer = await request(`${method} ${url}`, {
        headers: headers as Record<string, string>,
        ...(body !== undefined && { data: body }),
        request: {
          fetch: (to: string, init: RequestInit) => http.fetch(to, { ...init, redirect: 'manual' }),
          ...(signal && { signal }),
        },
      });
      return { status: answer.status, headers: answer.headers, data: answer.data };
    } catch (error) {
      const { response } = error as { response?: Answer };
      if (response) return { status: response.status, headers: response.headers, data: response.data };
      if (signal?.aborted) throw error;
      const { message } = error as Error;
      throw new Unreached(problem('REMOTE_UNREACHABLE', `${new URL(api).host}: ${redact(message, secrets, 300)}`));
    }
  }

  /** What is only refused for now is asked for again, as long as that is no long wait. */
  async function patient(route: string, parameters: Record<string, unknown>, bearer: string): Promise<Answer> {
    let waited = 0;
    for (let attempt = 1; ; attempt++) {
      const reads = route.startsWith('GET ') || parameters.reads === true;
      const { reads: _, ...sent } = parameters;
      const result: Answer | ProblemError = await once(route, sent, bearer).catch(error => {
        if (error instanceof ProblemError) return error;
        throw error;
      });
      const wait = waitFor(result, attempt, reads);
      if (wait === undefined) {
        if (result instanceof ProblemError) throw result;
        return result;
      }
      waited += wait;
      if (attempt < ATTEMPTS && waited <= patienceMs) {
        await sleep(wait, undefined, { ...(signal && { signal }) });
        continue;
      }
      if (result instanceof ProblemError) throw result;
      if (result.status >= 500) return result;
      throw failed('REMOTE_RATE_LIMITED', `GitHub asks to be left alone for ${Math.ceil(wait / 1000)} s`);
    }
  }

  function failed(
    code: 'REMOTE_UNREACHABLE' | 'REMOTE_RATE_LIMITED' | 'REMOTE_AUTH' | 'REMOTE_NOT_FOUND',
    text: string,
  ) {
    const hints = { REMOTE_AUTH: TOKEN_HINT, REMOTE_NOT_FOUND: TOKEN_HINT } as Record<string, string>;
    const hint = hints[code];
    return new ProblemError(problem(code, redact(text, secrets, 400), hint === undefined ? {} : { hint }));
  }

  async function ask(route: string, parameters: Record<string, unknown>): Promise<Answer> {
    const answer = await patient(route, parameters, await token());
    const { status, data } = answer;
    if (status < 300) return answer;
    const { message, errors } = ErrorBody.catch({ message: '', errors: [] }).parse(data);
    const more = errors.map(one => (typeof one === 'string' ? one : one.message)).filter(one => one !== '');
    const words = redact([message || `status ${status}`, ...more].join(': '), secrets, 400);
    if (status === 401) throw failed('REMOTE_AUTH', `GitHub does not take the token: ${words}`);
    if (status >= 500) throw failed('REMOTE_UNREACHABLE', `GitHub fails: ${words}`);
    throw new GithubRefusal(status, words);
  }

  return {
    address,
    async call(shape, route, parameters = {}) {
      return shaped(shape, (await ask(route, parameters)).data);
    },
    async pages(shape, route, parameters, most) {
      const all: unknown[] = [];
      let page = await ask(route, { per_page: 100, ...parameters });
      for (let count = 1; ; count++) {
        if (Array.isArray(page.data)) all.push(...page.data);
        const next = /<([^<>]+)>;\s*rel="next"/.exec(String(page.headers.link ?? ''))?.[1];
        if (next === undefined || count >= most) break;
        if (URL.parse(next)?.origin !== new URL(api).origin) {
          throw failed('REMOTE_UNREACHABLE', 'GitHub names a next page on another host');
        }
        page = await ask(`GET ${next}`, {});
      }
      return shaped(z.array(shape), all);
    },
    async query(shape, text, variables = {}) {
      const reads = /^\s*query\b/.test(text);
      const { data } = await ask(`POST ${GRAPHQL}`, {
        query: text,
        variables: { ...(text.includes('$owner') && { owner, name }), ...variables },
        reads,
      });
      const answer = shaped(GraphqlAnswer, data);
      const [first] = answer.errors ?? [];
      if (first?.type === 'NOT_FOUND') throw failed('REMOTE_NOT_FOUND', `GitHub: ${first.message}`);
      if (first) throw new GithubRefusal(200, redact(first.message, secrets, 400));
      return shaped(shape, answer.data);
    },
  };

  function shaped<T>(shape: z.ZodType<T>, data: unknown): T {
    const parsed = shape.safeParse(data);
    if (parsed.success) return parsed.data;
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    throw failed('REMOTE_UNREACHABLE', `GitHub's answer is not as it describes it (${where})`);
  }
}

const GRAPHQL = '/graphql';
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const TOKEN_HINT =
  'The token needs access to this repository: contents, pull requests and commit statuses, each read and write.';

/** Milliseconds until it makes sense to ask again; undefined when it makes none. */
function waitFor(result: Answer | ProblemError, attempt: number, reads: boolean): number | undefined {
  const backoff = 500 * 2 ** (attempt - 1);
  if (result instanceof ProblemError) return reads && result instanceof Unreached ? backoff : undefined;
  const { status, headers, data } = result;
  // What may have been done already is not asked for twice.
  if (status >= 500) return reads ? backoff : undefined;
  const text = JSON.stringify(data ?? '');
  const spent = headers['x-ratelimit-remaining'] === '0';
  const limited =
    status === 429 ||
    (status === 403 && (spent || headers['retry-after'] !== undefined || /rate limit|abuse/i.test(text)));
  const graphqlLimited = status === 200 && spent && /"RATE_LIMITED"/.test(text);
  if (!limited && !graphqlLimited) return undefined;
  const after = Number(headers['retry-after']);
  if (headers['retry-after'] !== undefined && Number.isFinite(after)) return Math.max(after, 1) * 1000;
  const reset = Number(headers['x-ratelimit-reset']) * 1000 - Date.now();
  if (spent && Number.isFinite(reset)) return Math.max(reset, 1000);
  // A secondary limit without a time: a minute at least.
  return 60_000 * 2 ** (attempt - 1);
}
