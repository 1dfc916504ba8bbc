import { execFileSync, spawnSync } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type RecordedRequest, serveByGit, startServer } from './git-server.ts';
import { project } from './github-graphql.ts';
import type { TempRepository } from './temp-repository.ts';

/** How a repository is set up; `refuse` and `limit` are taken once each, in turn. */
export interface GithubSettings {
  methods: ('merge' | 'squash' | 'rebase')[];
  approvals: number;
  /** A rule of the branch, besides the repository's own settings. */
  linear: boolean;
  /** Checks that have to pass, which none does here. */
  checks: string[];
  autoMerge: boolean;
  mergeQueue: boolean;
  deleteBranch: boolean;
  /** How often `mergeable` is not known yet. */
  unknown: number;
  /** Answers to the next requests, whatever they ask. */
  next: { status: number; headers?: Record<string, string>; body?: unknown; lost?: boolean }[];
}

interface Pull {
  number: number;
  title: string;
  body: string;
  author: string;
  branch: string;
  base: string;
  head: string;
  state: 'OPEN' | 'CLOSED' | 'MERGED';
  mergeCommit: string | undefined;
  queued: boolean;
  auto: string | undefined;
  created: string;
  reviews: { author: string; state: string; body: string; commit: string }[];
  comments: { id: number; author: string; body: string }[];
}

/** A GitHub of the tests: one repository `acme/shop`, its pull requests, and git over HTTP. */
export interface GithubServer {
  /** The repository's address for git; the API is at `/api/v3` of the same host. */
  url: string;
  api: string;
  settings: GithubSettings;
  pulls: Pull[];
  statuses: { sha: string; state: string; context: string; description: string }[];
  requests: RecordedRequest[];
  /** Serve another repository; everything else is forgotten. */
  reset(repository: TempRepository): void;
  close(): Promise<void>;
}

const standard: GithubSettings = {
  methods: ['merge', 'squash', 'rebase'],
  approvals: 1,
  linear: false,
  checks: [],
  autoMerge: false,
  mergeQueue: false,
  deleteBranch: false,
  unknown: 0,
  next: [],
};

/** Tokens are `token-<login>`; `reader` may not write. */
const TOKEN = /^Bearer token-([a-z]+)$/;
const DOCS = 'https://docs.github.com/rest';

class Refused extends Error {
  readonly status: number;
  readonly errors: unknown[] | undefined;
  constructor(status: number, message: string, errors?: unknown[]) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

/**
 * Written from GitHub's published descriptions of its REST and GraphQL APIs: the endpoints that are used, with their status
 * codes, shapes of errors, `Link` headers and limits.
 */
export async function startGithubServer(): Promise<GithubServer> {
  let bare = '';
  let root = '';
  let last = 0;
  const server = await startServer((request, response) => {
    void answer(request, response).catch(error => {
      response.writeHead(500).end(String(error));
    });
  });
  const github: GithubServer = {
    url: `${server.url}/acme/shop.git`,
    api: `${server.url}/api/v3`,
    settings: structuredClone(standard),
    pulls: [],
    statuses: [],
    requests: server.requests,
    reset(repository) {
      bare = repository.bare;
      root = repository.folder;
      repository.git('-C', bare, 'config', 'http.receivepack', 'true');
      github.settings = structuredClone(standard);
      github.pulls = [];
      github.statuses = [];
      server.requests.length = 0;
      last = 0;
    },
    close: server.close,
  };

  const git = (...args: string[]) =>
    execFileSync('git', ['--git-dir', bare, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: gitEnv,
    }).trim();
  const refOf = (name: string) => {
    const { status, stdout } = spawnSync('git', ['--git-dir', bare, 'rev-parse', '--verify', '--quiet', name], {
      encoding: 'utf8',
    });
    return status === 0 ? stdout.trim() : undefined;
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', server.url);
    if (url.pathname.startsWith('/acme/shop.git/')) {
      // The repository's folder is found under its name at GitHub.
      serveByGit(request, response, { root }, `/remote.git${url.pathname.slice('/acme/shop.git'.length)}`);
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const planned = github.settings.next.shift();
    if (planned && !planned.lost) {
      send(response, planned.status, planned.body ?? { message: 'planned' }, planned.headers);
      return;
    }
    try {
      const result = served(request, url, Buffer.concat(chunks).toString());
      if (planned?.lost) response.destroy();
      else send(response, result.status ?? 200, result.body, result.headers);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { status, message, errors } = error;
      send(response, status, { message, ...(errors && { errors }), documentation_url: DOCS, status: String(status) });
    }
  }

  function served(request: IncomingMessage, url: URL, text: string): Result {
    const login = TOKEN.exec(request.headers.authorization ?? '')?.[1];
    if (login === undefined) throw new Refused(401, 'Bad credentials');
    sync();
    const body = text === '' ? {} : JSON.parse(text);
    return url.pathname === '/api/graphql' ? graphql(body, login) : rest(request.method ?? '', url, body, login);
  }

  /** Pull requests follow their branches, and end with them. */
  function sync(): void {
    for (const pull of github.pulls) {
      if (pull.state !== 'OPEN') continue;
      const head = refOf(`refs/heads/${pull.branch}`);
      if (head === undefined) pull.state = 'CLOSED';
      else if (head !== pull.head) {
        pull.head = head;
        git('update-ref', `refs/pull/${pull.number}/head`, head);
      }
    }
  }

  interface Result {
    status?: number;
    body: unknown;
    headers?: Record<string, string>;
  }

  function rest(method: string, url: URL, body: Record<string, unknown>, login: string): Result {
    const path = url.pathname.replace(/^\/api\/v3\/repos\/acme\/shop\//, '');
    if (path === url.pathname) throw new Refused(404, 'Not Found');
    if (method !== 'GET' && login === 'reader') {
      throw new Refused(403, 'Resource not accessible by personal access token');
    }
    for (const [verb, pattern, serve] of routes) {
      const found = verb === method ? pattern.exec(path) : null;
      if (found) return serve({ name: found[1] ?? '', url, body, login });
    }
    throw new Refused(404, 'Not Found');
  }

  interface Asked {
    name: string;
    url: URL;
    body: Record<string, unknown>;
    login: string;
  }

  function pullOf(number: string): Pull {
    const pull = github.pulls.find(one => one.number === Number(number));
    if (!pull) throw new Refused(404, 'Not Found');
    return pull;
  }

  const routes: [method: string, path: RegExp, serve: (asked: Asked) => Result][] = [
    ['GET', /^pulls$/, ({ url }) => listPulls(url)],
    ['POST', /^pulls$/, ({ body, login }) => makePull(body, login)],
    ['PATCH', /^pulls\/(\d+)$/, ({ name }) => closePull(pullOf(name))],
    ['POST', /^pulls\/(\d+)\/reviews$/, ({ name, body, login }) => review(pullOf(name), body, login)],
    ['PUT', /^pulls\/(\d+)\/merge$/, ({ name, body }) => merge(pullOf(name), body)],
    [
      'POST',
      /^issues\/(\d+)\/comments$/,
      ({ name, body, login }) => addComment(pullOf(name), String(body.body), login),
    ],
    ['PATCH', /^issues\/comments\/(\d+)$/, ({ name, body }) => changeComment(Number(name), String(body.body))],
    ['POST', /^statuses\/([0-9a-f]{40})$/, ({ name, body }) => addStatus(name, body)],
    ['GET', /^git\/ref\/(heads\/.+)$/, ({ name }) => readRef(`refs/${name}`)],
    ['DELETE', /^git\/refs\/(heads\/.+)$/, ({ name }) => removeRef(`refs/${name}`)],
  ];

  function closePull(pull: Pull): Result {
    if (pull.state === 'MERGED') {
      throw new Refused(422, 'Validation Failed', [{ resource: 'PullRequest', field: 'state', code: 'invalid' }]);
    }
    pull.state = 'CLOSED';
    return { body: shown(pull) };
  }

  function addComment(pull: Pull, body: string, author: string): Result {
    const comment = { id: ++last + 1000, author, body };
    pull.comments.push(comment);
    return { status: 201, body: { id: comment.id, body } };
  }

  function changeComment(id: number, body: string): Result {
    const comment = github.pulls.flatMap(one => one.comments).find(one => one.id === id);
    if (!comment) throw new Refused(404, 'Not Found');
    comment.body = body;
    return { body: { id, body } };
  }

  function addStatus(sha: string, body: Record<string, unknown>): Result {
    const { state, context, description } = body as { state: string; context: string; description: string };
    if (description.length > 140) throw new Refused(422, 'Validation Failed');
    github.statuses.push({ sha, state, context, description });
    return { status: 201, body: { state, context } };
  }

  function readRef(ref: string): Result {
    const sha = refOf(ref);
    if (sha === undefined) throw new Refused(404, 'Not Found');
    return { body: { ref, object: { sha, type: 'commit' } } };
  }

  function removeRef(ref: string): Result {
    if (refOf(ref) === undefined) throw new Refused(422, 'Reference does not exist');
    git('update-ref', '-d', ref);
    sync();
    return { status: 204, body: undefined };
  }

  function listPulls(url: URL): Result {
    const state = url.searchParams.get('state') ?? 'open';
    const size = Number(url.searchParams.get('per_page') ?? 30);
    const page = Number(url.searchParams.get('page') ?? 1);
    const base = url.searchParams.get('base');
    const all = github.pulls
      .filter(one => state === 'all' || (one.state === 'OPEN') === (state === 'open'))
      .filter(one => base === null || one.base === base)
      .reverse();
    const pages = Math.ceil(all.length / size);
    const link = (to: number, rel: string) => {
      const target = new URL(url);
      target.searchParams.set('page', String(to));
      return `<${target.href}>; rel="${rel}"`;
    };
    const links = page < pages ? [link(page + 1, 'next'), link(pages, 'last')] : [];
    return {
      body: all.slice((page - 1) * size, page * size).map(shown),
      ...(links.length > 0 && { headers: { link: links.join(', ') } }),
    };
  }

  function makePull(body: Record<string, unknown>, login: string): Result {
    const { title, head: branch, base, body: text } = body as Record<'title' | 'head' | 'base' | 'body', string>;
    const invalid = (message: string) =>
      new Refused(422, 'Validation Failed', [{ resource: 'PullRequest', code: 'custom', message }]);
    const head = refOf(`refs/heads/${branch}`);
    if (head === undefined)
      throw new Refused(422, 'Validation Failed', [{ resource: 'PullRequest', field: 'head', code: 'invalid' }]);
    if (github.pulls.some(one => one.branch === branch && one.state === 'OPEN')) {
      throw invalid(`A pull request already exists for acme:${branch}.`);
    }
    if (git('rev-list', '--count', `${base}..${head}`) === '0')
      throw invalid(`No commits between ${base} and ${branch}`);
    const pull: Pull = {
      number: ++last,
      title,
      body: text,
      author: login,
      branch,
      base,
      head,
      state: 'OPEN',
      mergeCommit: undefined,
      queued: false,
      auto: undefined,
      created: new Date().toISOString(),
      reviews: [],
      comments: [],
    };
    github.pulls.push(pull);
    git('update-ref', `refs/pull/${pull.number}/head`, head);
    return { status: 201, body: shown(pull) };
  }

  function review(pull: Pull, body: Record<string, unknown>, login: string): Result {
    const { event, commit_id: commit, body: text } = body as Record<'event' | 'commit_id' | 'body', string>;
    const own = pull.author === login;
    if (own && event === 'APPROVE')
      throw new Refused(422, 'Unprocessable Entity', ['Review Can not approve your own pull request']);
    if (own && event === 'REQUEST_CHANGES')
      throw new Refused(422, 'Unprocessable Entity', ['Review Can not request changes on your own pull request']);
    if (event === 'REQUEST_CHANGES' && text === '')
      throw new Refused(422, 'Unprocessable Entity', ['Review body is required']);
    const state = event === 'APPROVE' ? 'APPROVED' : 'CHANGES_REQUESTED';
    pull.reviews.push({ author: login, state, body: text, commit });
    return { body: { id: ++last, state, commit_id: commit } };
  }

  function approvers(pull: Pull): string[] {
    const latest = new Map(pull.reviews.map(one => [one.author, one.state]));
    return [...latest].filter(([, state]) => state === 'APPROVED').map(([login]) => login);
  }

  function decision(pull: Pull): string | null {
    const latest = new Map(pull.reviews.map(one => [one.author, one.state]));
    if (github.settings.approvals === 0) return null;
    if ([...latest.values()].includes('CHANGES_REQUESTED')) return 'CHANGES_REQUESTED';
    return approvers(pull).length >= github.settings.approvals ? 'APPROVED' : 'REVIEW_REQUIRED';
  }

  function mergedTree(pull: Pull): string | undefined {
    const { status, stdout } = spawnSync(
      'git',
      ['--git-dir', bare, 'merge-tree', '--write-tree', pull.base, pull.head],
      {
        encoding: 'utf8',
      },
    );
    return status === 0 ? stdout.trim() : undefined;
  }

  function merge(pull: Pull, body: Record<string, unknown>): Result {
    const { settings } = github;
    const method = String(body.merge_method ?? 'merge') as 'merge' | 'squash' | 'rebase';
    if (pull.state !== 'OPEN') throw new Refused(405, 'Pull Request is not mergeable');
    if (body.sha !== undefined && body.sha !== pull.head) {
      throw new Refused(409, 'Head branch was modified. Review and try the merge again.');
    }
    if (settings.unknown > 0) throw new Refused(405, 'Pull Request is not mergeable');
    if (settings.mergeQueue) throw new Refused(405, 'Changes must be made through the merge queue');
    const words = { merge: 'Merge commits', squash: 'Squash merges', rebase: 'Rebase merges' };
    if (!settings.methods.includes(method))
      throw new Refused(405, `${words[method]} are not allowed on this repository.`);
    if (settings.linear && method === 'merge') {
      throw new Refused(405, 'Repository rule violations found\n\nThis branch must not contain merge commits.\n\n');
    }
    const blocked = whyBlocked(pull);
    if (blocked !== undefined) throw new Refused(405, blocked);
    const tree = mergedTree(pull);
    if (tree === undefined) throw new Refused(405, 'Pull Request is not mergeable');
    const main = git('rev-parse', pull.base);
    const parents = method === 'merge' ? ['-p', main, '-p', pull.head] : ['-p', main];
    const title = String(body.commit_title ?? pull.title);
    const sha = git('commit-tree', ...parents, '-m', title, '-m', String(body.commit_message ?? ''), tree);
    git('update-ref', `refs/heads/${pull.base}`, sha, main);
    pull.state = 'MERGED';
    pull.mergeCommit = sha;
    if (settings.deleteBranch) git('update-ref', '-d', `refs/heads/${pull.branch}`);
    return { body: { sha, merged: true, message: 'Pull Request successfully merged' } };
  }

  function whyBlocked(pull: Pull): string | undefined {
    const { approvals, checks } = github.settings;
    if (approvers(pull).length < approvals) {
      return `At least ${approvals} approving review${approvals === 1 ? ' is' : 's are'} required by reviewers with write access.`;
    }
    return checks[0] === undefined ? undefined : `Required status check "${checks[0]}" is expected.`;
  }

  function mergeable(pull: Pull): string {
    if (github.settings.unknown > 0) {
      github.settings.unknown--;
      return 'UNKNOWN';
    }
    return mergedTree(pull) === undefined ? 'CONFLICTING' : 'MERGEABLE';
  }

  function graphql(body: { query: string; variables: Record<string, unknown> }, login: string): Result {
    const { query, variables } = body;
    const resolved = query.trimStart().startsWith('mutation')
      ? mutate(query, variables, login)
      : { repository: repositoryNode(variables, login) };
    if ('error' in resolved)
      return { body: { data: null, errors: [{ type: 'UNPROCESSABLE', message: resolved.error }] } };
    const projected = project(query, resolved);
    return { body: 'error' in projected ? { errors: [{ message: projected.error }] } : { data: projected.data } };
  }

  function repositoryNode(variables: Record<string, unknown>, login: string) {
    const { settings } = github;
    const open = github.pulls.filter(
      one => one.state === 'OPEN' && (variables.base === undefined || one.base === variables.base),
    );
    const from = Number(variables.after ?? 0);
    const size = 50;
    const pull = github.pulls.find(one => one.number === variables.number);
    return {
      mergeCommitAllowed: settings.methods.includes('merge'),
      squashMergeAllowed: settings.methods.includes('squash'),
      rebaseMergeAllowed: settings.methods.includes('rebase'),
      autoMergeAllowed: settings.autoMerge,
      pullRequests: {
        pageInfo: { hasNextPage: open.length > from + size, endCursor: String(from + size) },
        nodes: open.slice(from, from + size).map(one => pullNode(one, login)),
      },
      ...(pull && { pullRequest: pullNode(pull, login) }),
    };
  }

  function pullNode(pull: Pull, login: string) {
    const { number, title, head, branch, state, mergeCommit } = pull;
    return {
      id: `PR_${number}`,
      number,
      title,
      url: `${server.url}/acme/shop/pull/${number}`,
      isDraft: false,
      state,
      headRefName: branch,
      headRefOid: head,
      isCrossRepository: false,
      reviewDecision: decision(pull),
      get mergeable() {
        return mergeable(pull);
      },
      mergeCommit: mergeCommit === undefined ? null : { oid: mergeCommit },
      reviews: {
        nodes: pull.reviews.map(one => ({ ...one, author: { login: one.author }, commit: { oid: one.commit } })),
      },
      comments: {
        pageInfo: { hasPreviousPage: false, startCursor: null },
        nodes: pull.comments.map(one => ({
          databaseId: one.id,
          viewerDidAuthor: one.author === login,
          body: one.body,
        })),
      },
    };
  }

  function mutate(
    query: string,
    variables: Record<string, unknown>,
    login: string,
  ): { error: string } | Record<string, unknown> {
    const pull = github.pulls.find(one => `PR_${one.number}` === variables.id);
    if (!pull || login === 'reader') return { error: 'Resource not accessible by personal access token' };
    if (variables.head !== pull.head)
      return { error: 'The head branch was modified: expected head oid does not match' };
    if (query.includes('enqueuePullRequest(')) {
      if (!github.settings.mergeQueue) return { error: 'A merge queue is not enabled for this branch' };
      if (whyBlocked(pull)) return { error: 'Pull request is not mergeable: reviews are missing' };
      pull.queued = true;
      return { enqueuePullRequest: { clientMutationId: null } };
    }
    if (!github.settings.autoMerge) return { error: 'Auto merge is not allowed for this repository' };
    if (!whyBlocked(pull)) return { error: 'Pull request Pull request is in clean status' };
    pull.auto = String(variables.method);
    return { enablePullRequestAutoMerge: { clientMutationId: null } };
  }

  function shown(pull: Pull) {
    const { number, title, author, branch, base, head, state, mergeCommit, created } = pull;
    return {
      number,
      title,
      state: state === 'OPEN' ? 'open' : 'closed',
      html_url: `${server.url}/acme/shop/pull/${number}`,
      user: { login: author },
      created_at: created,
      updated_at: created,
      merged_at: state === 'MERGED' ? created : null,
      merge_commit_sha: mergeCommit ?? null,
      head: { ref: branch, sha: head, repo: { full_name: 'acme/shop' } },
      base: { ref: base },
    };
  }

  return github;
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'x-ratelimit-limit': '5000',
    'x-ratelimit-remaining': '4999',
    'x-ratelimit-reset': String(Math.floor(Date.now() / 1000) + 3600),
    ...headers,
  });
  response.end(status === 204 ? undefined : JSON.stringify(body));
}

const gitEnv = {
  PATH: process.env.PATH,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'GitHub',
  GIT_AUTHOR_EMAIL: 'noreply@github.example',
  GIT_COMMITTER_NAME: 'GitHub',
  GIT_COMMITTER_EMAIL: 'noreply@github.example',
};
