import { z } from 'zod';
import { ProblemError, problem } from '../../../schema/index.ts';
import type { Oid } from '../../types.ts';
import type { Branches } from '../branches.ts';
import type { Forge, Proposal, Review, Reviewed, Statements } from '../forge.ts';
import { checked, openProposals, openReading } from '../git-forge.ts';
import { push, type Workspace } from '../workspace.ts';
import { type GithubApi, GithubRefusal } from './api.ts';
import { askToMerge } from './merge.ts';
import { attestedIn, type ClosedPull, closedPulls, decisionOf, type OpenPull, openPulls } from './pulls.ts';
import { publishReport } from './report.ts';

const Made = z.object({ html_url: z.string() });
const Ref = z.object({ object: z.object({ sha: z.string() }) });

/**
 * GitHub as forge: a proposal is a pull request from the branch `proposals/<id>`; who has to agree, which checks have to
 * pass and how it is merged are GitHub's to say. What commits change and say is read from git, as everywhere.
 */
export function githubForge(workspace: Workspace, branches: Branches, api: GithubApi): Forge {
  const read = openReading(workspace, branches);
  let known: Promise<Map<string, OpenPull>> | undefined;
  const pulls = () => {
    known ??= openPulls(api, workspace.branch);
    return known;
  };
  /** As it is now, whatever was read before. */
  const pullNow = async (id: string): Promise<OpenPull> => {
    known = undefined;
    const pull = (await pulls()).get(checked(id));
    if (pull) return pull;
    throw new ProblemError(problem('REVIEW_RACE', `${id} is no open pull request any more`));
  };

  return {
    name: 'github',
    async refresh() {
      known = undefined;
      // The list is asked for while git fetches; a fault of it is told to whoever needs the list.
      pulls().catch(() => undefined);
      return branches.refresh();
    },
    main: branches.main,
    async list({ ended = false, only } = {}) {
      const ours = read(only).then(reading => openProposals(workspace, reading, only));
      const [open, own] = await Promise.all([pulls(), ours]);
      const listed = own.flatMap(one => {
        const pull = open.get(one.id);
        return pull ? [{ ...one, title: pull.title, url: pull.url, decision: decisionOf(pull) }] : [];
      });
      const over = ended ? [...(await closedPulls(api, workspace.branch))] : [];
      const past = over.flatMap(([id, pull]) => (open.has(id) ? [] : [endedProposal(id, pull)]));
      const all = [...listed, ...past].filter(({ id }) => only === undefined || id === only);
      return all.sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    async statements() {
      const said = new Map<string, Statements>();
      for (const [id, pull] of await pulls()) said.set(id, { signed: [], attested: attestedIn(pull) });
      return said;
    },
    async publish({ id, head, previous, title, body }) {
      const branch = `proposals/${checked(id)}`;
      await push(workspace, [{ branch, from: previous, to: head }]);
      known = undefined;
      const there = previous === undefined ? undefined : (await pulls()).get(id);
      if (there) return { url: there.url };
      try {
        const { html_url: url } = await api.call(Made, 'POST /repos/{owner}/{repo}/pulls', {
          title: title.slice(0, 250),
          body,
          head: branch,
          base: workspace.branch,
        });
        known = undefined;
        return { url };
      } catch (error) {
        // A branch that nobody would find is no proposal.
        if (previous === undefined)
          await push(workspace, [{ branch, from: head, to: undefined }]).catch(() => undefined);
        throw refusedBy(error, 'REMOTE_REFUSED');
      }
    },
    async review(review, merge) {
      const pull = await pullNow(review.id);
      if (pull.headRefOid !== review.head) throw moved(review.id);
      if (merge) await sameMain(api, workspace, merge.main);
      await record(api, pull, review);
      if (review.verdict === 'withdraw') await removeBranch(api, review.id);
      const result: Reviewed = merge ? await askToMerge(api, pull, merge) : {};
      if (result.merged !== undefined) await removeBranch(api, review.id);
      known = undefined;
      return result;
    },
    async report(report) {
      const pull = await pullNow(report.id);
      if (pull.headRefOid !== report.head) throw moved(report.id);
      await publishReport(api, pull, report).catch(error => {
        throw refusedBy(error, 'REMOTE_REFUSED');
      });
    },
  };
}

/** Nothing is pinned at GitHub but the head: what the reviewer saw was made with this commit of the branch. */
async function sameMain(api: GithubApi, workspace: Workspace, main: Oid): Promise<void> {
  const { object } = await api.call(Ref, 'GET /repos/{owner}/{repo}/git/ref/{+ref}', {
    ref: `heads/${workspace.branch}`,
  });
  if (object.sha === main) return;
  throw new ProblemError(problem('REVIEW_RACE', `${workspace.branch} moved meanwhile`));
}

async function record(api: GithubApi, pull: OpenPull, { head, verdict, reason }: Review): Promise<void> {
  const { number } = pull;
  try {
    if (verdict === 'withdraw') {
      await api.call(z.unknown(), 'POST /repos/{owner}/{repo}/issues/{issue_number}/comments', {
        issue_number: number,
        body: `Withdrawn: ${reason}`,
      });
      await api.call(z.unknown(), 'PATCH /repos/{owner}/{repo}/pulls/{pull_number}', {
        pull_number: number,
        state: 'closed',
      });
      return;
    }
    await api.call(z.unknown(), 'POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews', {
      pull_number: number,
      commit_id: head,
      event: verdict === 'approve' ? 'APPROVE' : 'REQUEST_CHANGES',
      body: reason,
    });
  } catch (error) {
    throw refusedBy(error, 'REVIEW_NOT_ENTITLED');
  }
}

/** The pull request keeps its commits; a branch that stays would be no proposal either. */
async function removeBranch(api: GithubApi, id: string): Promise<void> {
  await api
    .call(z.unknown(), 'DELETE /repos/{owner}/{repo}/git/refs/{+ref}', { ref: `heads/proposals/${id}` })
    .catch(error => {
      if (!(error instanceof GithubRefusal)) throw error;
    });
}

function refusedBy(error: unknown, code: 'REMOTE_REFUSED' | 'REVIEW_NOT_ENTITLED'): unknown {
  if (!(error instanceof GithubRefusal)) return error;
  const own = /your own pull request/i.test(error.message);
  return new ProblemError(problem(own ? 'REVIEW_SELF_APPROVAL' : code, `GitHub does not take it: ${error.message}`));
}

function moved(id: string): ProblemError {
  return new ProblemError(problem('REVIEW_RACE', `${id} moved meanwhile`));
}

function endedProposal(id: string, pull: ClosedPull): Proposal {
  const { title, html_url: url, user, created_at, updated_at, merged_at, merge_commit_sha: commit, head } = pull;
  const merged = merged_at !== null;
  return {
    id,
    title,
    reason: '',
    head: head.sha,
    authors: [{ name: user?.login ?? 'ghost', email: '' }],
    session: undefined,
    created: created_at,
    updated: updated_at,
    commits: [],
    paths: [],
    state: merged ? 'merged' : 'withdrawn',
    ...(merged && commit !== null && { merged: commit }),
    url,
  };
}
