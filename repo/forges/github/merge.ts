import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ProblemError, problem } from '../../../schema/index.ts';
import type { Merge, Reviewed } from '../forge.ts';
import { commitMessage } from '../trailers.ts';
import { type GithubApi, GithubRefusal } from './api.ts';
import type { OpenPull } from './pulls.ts';

type Method = 'merge' | 'squash' | 'rebase';

const Merged = z.object({ sha: z.string(), merged: z.boolean() });

const Rules = z.object({
  repository: z.object({
    mergeCommitAllowed: z.boolean(),
    squashMergeAllowed: z.boolean(),
    rebaseMergeAllowed: z.boolean(),
    autoMergeAllowed: z.boolean(),
  }),
});
const RULES = `query Rules($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) {
    mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed autoMergeAllowed
  }
}`;

const State = z.object({
  repository: z.object({
    pullRequest: z.object({
      state: z.string(),
      headRefOid: z.string(),
      mergeable: z.string(),
      mergeCommit: z.object({ oid: z.string() }).nullable(),
    }),
  }),
});
const STATE = `query State($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) { state headRefOid mergeable mergeCommit { oid } }
  }
}`;

const ENQUEUE = `mutation Enqueue($id: ID!, $head: GitObjectID!) {
  enqueuePullRequest(input: { pullRequestId: $id, expectedHeadOid: $head }) { clientMutationId }
}`;
const AUTO = `mutation Auto($id: ID!, $head: GitObjectID!, $method: PullRequestMergeMethod!) {
  enablePullRequestAutoMerge(input: { pullRequestId: $id, expectedHeadOid: $head, mergeMethod: $method }) { clientMutationId }
}`;

/** How often GitHub is asked anew while it still works out whether there are conflicts. */
const TRIES = 6;

/**
 * Ask GitHub to merge a pull request at exactly the commit that was reviewed, in the way its settings allow: a merge
 * commit rather than a squash, that rather than a rebase; through the merge queue where there is one; by itself later
 * where it still waits for something and may do so.
 * @throws ProblemError REVIEW_RACE, PROPOSAL_CONFLICT, REVIEW_NOT_ENTITLED
 */
export async function askToMerge(api: GithubApi, pull: OpenPull, merge: Merge): Promise<Reviewed> {
  const { repository: rules } = await api.query(Rules, RULES);
  const methods = (['merge', 'squash', 'rebase'] as const).filter(
    one =>
      ({ merge: rules.mergeCommitAllowed, squash: rules.squashMergeAllowed, rebase: rules.rebaseMergeAllowed })[one],
  );
  for (let attempt = 1; ; attempt++) {
    const result = await tryMethods(api, pull, merge, methods);
    if ('merged' in result) return result;
    if (/merge queue/i.test(result.refused)) return enqueue(api, pull, merge);
    const now = await stateOf(api, pull);
    if (now.state === 'MERGED') throw race(`${merge.id} was merged meanwhile`);
    if (now.state !== 'OPEN' || now.headRefOid !== merge.head) throw race(`${merge.id} changed meanwhile`);
    if (now.mergeable === 'CONFLICTING') {
      throw new ProblemError(problem('PROPOSAL_CONFLICT', `${merge.id} conflicts with ${pull.headRefName}`));
    }
    if (now.mergeable === 'UNKNOWN' && attempt < TRIES) {
      await sleep(100 * 2 ** attempt);
      continue;
    }
    const method = methods[0];
    if (rules.autoMergeAllowed && method !== undefined) return later(api, pull, merge, method, result.refused);
    return { waits: `GitHub does not merge it yet: ${result.refused}` };
  }
}

/** @returns the commit, or GitHub's words when it merges in no way that its settings allow */
async function tryMethods(
  api: GithubApi,
  pull: OpenPull,
  merge: Merge,
  methods: readonly Method[],
): Promise<{ merged: string } | { refused: string }> {
  let refused = 'its settings allow no way to merge';
  for (const method of methods) {
    try {
      const message = commitMessage('', '', [['Proposal-Id', merge.id]]).trim();
      const { sha } = await api.call(Merged, 'PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge', {
        pull_number: pull.number,
        sha: merge.head,
        merge_method: method,
        ...(method !== 'rebase' && { commit_title: `Merge ${merge.id}: ${merge.title}`, commit_message: message }),
      });
      return { merged: sha };
    } catch (error) {
      if (error instanceof ProblemError && error.problem.code === 'REMOTE_UNREACHABLE')
        return afterFault(api, pull, merge, error);
      if (!(error instanceof GithubRefusal)) throw error;
      if (error.status === 409 || /base branch was modified/i.test(error.message)) throw race(error.message);
      if (error.status === 403 || error.status === 404) {
        throw new ProblemError(problem('REVIEW_NOT_ENTITLED', `GitHub does not let you merge: ${error.message}`));
      }
      refused = error.message;
      // Another way may be allowed where this one is not: by the repository, or by a rule for the branch.
      if (
        !/(?:merge commits?|squash merges|rebase merges|merge method)\b.*\bnot (?:allowed|permitted)|must not contain merge commits/i.test(
          refused,
        )
      )
        break;
    }
  }
  return { refused };
}

/** The answer got lost; the merge may be made all the same. */
async function afterFault(
  api: GithubApi,
  pull: OpenPull,
  merge: Merge,
  error: ProblemError,
): Promise<{ merged: string }> {
  const now = await stateOf(api, pull);
  if (now.state === 'MERGED' && now.headRefOid === merge.head && now.mergeCommit)
    return { merged: now.mergeCommit.oid };
  throw error;
}

async function enqueue(api: GithubApi, pull: OpenPull, { head, id }: Merge): Promise<Reviewed> {
  try {
    await api.query(z.unknown(), ENQUEUE, { id: pull.id, head });
  } catch (error) {
    if (!(error instanceof GithubRefusal)) throw error;
    if (/head (?:sha|oid|branch)|expected/i.test(error.message)) throw race(`${id} changed meanwhile`);
    if (!/already/i.test(error.message))
      return { waits: `GitHub's merge queue does not take it yet: ${error.message}` };
  }
  return { waits: 'it is in GitHub’s merge queue' };
}

async function later(api: GithubApi, pull: OpenPull, merge: Merge, method: Method, refused: string): Promise<Reviewed> {
  try {
    await api.query(z.unknown(), AUTO, { id: pull.id, head: merge.head, method: method.toUpperCase() });
    return { waits: `GitHub merges it by itself once it may: ${refused}` };
  } catch (error) {
    if (!(error instanceof GithubRefusal)) throw error;
    return { waits: `GitHub does not merge it yet: ${refused}` };
  }
}

async function stateOf(api: GithubApi, { number }: OpenPull) {
  return (await api.query(State, STATE, { number })).repository.pullRequest;
}

function race(message: string): ProblemError {
  return new ProblemError(problem('REVIEW_RACE', message));
}
