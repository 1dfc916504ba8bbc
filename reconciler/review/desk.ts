import { setImmediate } from 'node:timers/promises';
import type { ChangeTrailer, Forge, FoundStatement, Proposal, Workspace } from '../../repo/forges/index.ts';
import type { Comparison } from '../../repo/history/index.ts';
import { withSnapshots } from '../../repo/index.ts';
import {
  type Problem,
  ProblemError,
  parseStatement,
  problem,
  type ResourceDocument,
  type ResourceId,
} from '../../schema/index.ts';
import { compareProposal } from './compare.ts';
import { decide } from './decide.ts';
import { changesFromDocuments } from './documents.ts';
import { type Examined, examine } from './examine.ts';
import { type Published, publishDraft } from './propose.ts';
import { changesToRestore } from './restore.ts';
import { policyOf, type Standing, standing } from './standing.ts';

/** What somebody proposes through the gateway. */
export interface Wish {
  title: string;
  reason: string;
  /** Who says that they propose it. */
  by?: string;
  /** The AI session it comes from. */
  session?: string;
  documents: readonly ResourceDocument[];
  /** Resources that are to go. */
  gone?: readonly ResourceId[];
  /** The proposal that is changed. */
  amend?: string;
}

/** What somebody wants back through the gateway. */
export interface RestoreWish extends Pick<Wish, 'by' | 'session'> {
  id: ResourceId;
  /** As it was: a commit, or a date. */
  revision: string;
  /** Why, in a line. */
  note?: string;
}

/**
 * Where proposals are taken, looked at and reviewed for those who have no clone: the gateway. It writes branches
 * `proposals/*`, and `reviews/*` with statements that reviewers signed themselves; never the branch that is followed.
 * One thing at a time. Every method may throw a ProblemError.
 */
export interface Desk {
  list(options: { ended: boolean }): Promise<(Proposal & Standing)[]>;
  examine(id: string): Promise<Examined & Pick<Comparison, 'risks' | 'files'>>;
  /** @returns with `published` left out, nothing was pushed, and `introduced` says why */
  propose(wish: Wish): Promise<{ introduced: Problem[]; published?: Published }>;
  /** Propose a resource as it was, also one that is gone. @returns as `propose` */
  restore(wish: RestoreWish): Promise<{ introduced: Problem[]; published?: Published }>;
  /** Record a statement that its author signed. @returns whether the policy asks for nothing more */
  record(id: string, statement: FoundStatement): Promise<{ complete: boolean }>;
}

/** Requests that wait for their turn; a remote that hangs must not make the daemon hold any number of them. */
const MAX_WAITING = 32;
/** Proposals that are judged before others get a word in. */
const AT_ONCE = 50;

/** @param open called once, when it is needed first */
export function createDesk(open: () => Promise<{ workspace: Workspace; forge: Forge }>): Desk {
  let opened: ReturnType<typeof open> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  async function alone<T>(work: (workspace: Workspace, forge: Forge) => Promise<T>): Promise<T> {
    if (waiting >= MAX_WAITING) {
      throw new ProblemError(problem('PROPOSALS_BUSY', `${waiting} others wait for the remote already`));
    }
    waiting++;
    const turn = last.then(async () => {
      opened ??= open();
      const { workspace, forge } = await opened.catch(error => {
        opened = undefined;
        throw error;
      });
      await forge.refresh();
      return work(workspace, forge);
    });
    last = turn.catch(() => undefined);
    return turn.finally(() => waiting--);
  }

  return {
    list: ({ ended }) =>
      alone(async (workspace, forge) => {
        const main = await forge.main();
        const policy = await withSnapshots(workspace, workspace.env, snapshots => policyOf(workspace, snapshots, main));
        const statements = await forge.statements();
        const proposals = await forge.list({ ended });
        const found: (Proposal & Standing)[] = [];
        for (const one of proposals) {
          found.push({ ...one, ...standing(policy, one, statements.get(one.id)) });
          if (found.length % AT_ONCE === 0) await setImmediate();
        }
        return found;
      }),
    examine: id =>
      alone(async (workspace, forge) => {
        const proposal = await openProposal(forge, id);
        return withSnapshots(workspace, workspace.env, async snapshots => {
          const examined = await examine(workspace, snapshots, forge, proposal);
          const { risks, files } = await compareProposal(workspace, snapshots, examined);
          return { ...examined, risks, files };
        });
      }),
    propose: ({ title, reason, by, session, documents, gone = [], amend }) =>
      alone(async (workspace, forge) => {
        const main = await forge.main();
        const files = await withSnapshots(workspace, workspace.env, ({ mainFiles }) => mainFiles(main));
        const result = await changesFromDocuments(workspace, files, documents, gone);
        if ('problems' in result) return { introduced: result.problems };
        const amended = amend === undefined ? undefined : await openProposal(forge, amend);
        const { changes } = result;
        return publishDraft(workspace, forge, { changes, title, reason, by, session, amend: amended });
      }),
    restore: ({ id, revision, note, by, session }) =>
      alone(async (workspace, forge) => {
        const { commit, changes } = await changesToRestore(workspace, id, revision);
        const title = `Restore ${id} as of ${commit.slice(0, 7)}`;
        const trailers: ChangeTrailer[] = [
          ['Restores', commit],
          ...(note === undefined ? [] : [['Note', note] as const]),
        ];
        return publishDraft(workspace, forge, { changes, title, reason: note, by, session, trailers });
      }),
    record: (id, found) =>
      alone(async (workspace, forge) => {
        // The gateway's own login would be the reviewer there.
        if (forge.name !== 'git')
          throw new ProblemError(problem('REVIEW_NOT_ENTITLED', `${id} is reviewed at its forge`));
        const proposal = await openProposal(forge, id);
        const examined = await withSnapshots(workspace, workspace.env, snapshots =>
          examine(workspace, snapshots, forge, proposal),
        );
        const { complete } = decide(examined, found);
        const { head, verdict, reason } = statementOf(found);
        await forge.review({ id, head, verdict, reason, signed: found });
        return { complete };
      }),
  };
}

function statementOf({ text }: FoundStatement) {
  const statement = parseStatement(text);
  if (!statement) throw new ProblemError(problem('REVIEW_NOT_ENTITLED', 'it is not a statement as mcpctl writes it'));
  return statement;
}

async function openProposal(forge: Forge, id: string): Promise<Proposal> {
  const found = (await forge.list({ only: id })).find(proposal => proposal.id === id);
  if (found) return found;
  throw new ProblemError(problem('PROPOSAL_NOT_FOUND', `there is no open proposal \`${id.slice(0, 200)}\``));
}
