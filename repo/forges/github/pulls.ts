import { z } from 'zod';
import { isProposalId } from '../../../schema/index.ts';
import type { Attested } from '../forge.ts';
import type { GithubApi } from './api.ts';

const Login = z.object({ login: z.string() }).nullable();
const Sha = z.string().regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/);

/** A pull request that is open, with what its reviewers said. */
const OpenPull = z.object({
  id: z.string(),
  number: z.int(),
  title: z.string(),
  url: z.string(),
  isDraft: z.boolean(),
  headRefName: z.string(),
  headRefOid: Sha,
  isCrossRepository: z.boolean(),
  reviewDecision: z.enum(['APPROVED', 'CHANGES_REQUESTED', 'REVIEW_REQUIRED']).nullable().catch(null),
  reviews: z.object({
    nodes: z.array(
      z.object({ author: Login, state: z.string(), body: z.string(), commit: z.object({ oid: Sha }).nullable() }),
    ),
  }),
});
export type OpenPull = z.infer<typeof OpenPull>;

const OpenPulls = z.object({
  repository: z.object({
    pullRequests: z.object({
      pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
      nodes: z.array(OpenPull),
    }),
  }),
});

/** A pull request that is over, as REST lists it. */
const ClosedPull = z.object({
  number: z.int(),
  title: z.string(),
  html_url: z.string(),
  user: Login,
  created_at: z.string(),
  updated_at: z.string(),
  merged_at: z.string().nullable(),
  merge_commit_sha: z.string().nullable(),
  head: z.object({ ref: z.string(), sha: Sha, repo: z.object({ full_name: z.string() }).nullable() }),
});
export type ClosedPull = z.infer<typeof ClosedPull>;

const OPEN = `query Open($owner: String!, $name: String!, $base: String!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequests(states: OPEN, baseRefName: $base, first: 50, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id number title url isDraft headRefName headRefOid isCrossRepository reviewDecision
        reviews(last: 50) { nodes { author { login } state body commit { oid } } }
      }
    }
  }
}`;

/** Pages of each kind; beyond them nobody reviews. */
const MOST_PAGES = 40;

/** The open pull requests for a branch that come from a branch `proposals/<id>` of the same repository, by id. */
export async function openPulls(api: GithubApi, base: string): Promise<Map<string, OpenPull>> {
  const found = new Map<string, OpenPull>();
  let after: string | null = null;
  for (let page = 0; page < MOST_PAGES; page++) {
    const answer: z.infer<typeof OpenPulls> = await api.query(OpenPulls, OPEN, { base, after });
    const { pullRequests } = answer.repository;
    for (const pull of pullRequests.nodes) {
      // A fork may call its branch whatever it likes.
      const id = pull.isCrossRepository ? undefined : proposalOf(pull.headRefName);
      if (id !== undefined) found.set(id, pull);
    }
    after = pullRequests.pageInfo.endCursor;
    if (!pullRequests.pageInfo.hasNextPage || after === null) break;
  }
  return found;
}

/** Those that are over, newest first. */
export async function closedPulls(api: GithubApi, base: string): Promise<Map<string, ClosedPull>> {
  const { owner, name } = api.address;
  const parameters = { state: 'closed', base, sort: 'updated', direction: 'desc' };
  const all = await api.pages(ClosedPull, 'GET /repos/{owner}/{repo}/pulls', parameters, MOST_PAGES);
  const found = new Map<string, ClosedPull>();
  for (const pull of all) {
    const own = pull.head.repo?.full_name.toLowerCase() === `${owner}/${name}`.toLowerCase();
    const id = own ? proposalOf(pull.head.ref) : undefined;
    if (id !== undefined && !found.has(id)) found.set(id, pull);
  }
  return found;
}

const VERDICTS: Readonly<Record<string, Attested['verdict']>> = { APPROVED: 'approve', CHANGES_REQUESTED: 'reject' };

/** What GitHub says that its reviewers said; oldest first. */
export function attestedIn({ reviews, headRefOid }: OpenPull): Attested[] {
  return reviews.nodes.flatMap(({ author, state, body, commit }) => {
    const verdict = VERDICTS[state];
    return verdict === undefined
      ? []
      : [{ by: author?.login ?? 'ghost', verdict, head: commit?.oid ?? headRefOid, reason: body }];
  });
}

/** What GitHub makes of the reviews by its own rules; where it asks for none, by what was said last. */
export function decisionOf(pull: OpenPull): 'pending' | 'approved' | 'rejected' {
  if (pull.reviewDecision === 'APPROVED') return 'approved';
  if (pull.reviewDecision === 'CHANGES_REQUESTED') return 'rejected';
  if (pull.reviewDecision === 'REVIEW_REQUIRED') return 'pending';
  const last = new Map(attestedIn(pull).map(one => [one.by, one]));
  const now = [...last.values()].filter(({ head }) => head === pull.headRefOid);
  if (now.some(({ verdict }) => verdict === 'reject')) return 'rejected';
  return now.some(({ verdict }) => verdict === 'approve') ? 'approved' : 'pending';
}

function proposalOf(branch: string): string | undefined {
  const id = branch.startsWith('proposals/') ? branch.slice('proposals/'.length) : '';
  return isProposalId(id) ? id : undefined;
}
