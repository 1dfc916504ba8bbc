import { randomBytes } from 'node:crypto';
import {
  type ChangeTrailer,
  commitMessage,
  commitTree,
  type Forge,
  type Proposal,
  type TreeChanges,
  treeWith,
  type Workspace,
} from '../../repo/forges/index.ts';
import { type Oid, withSnapshots } from '../../repo/index.ts';
import { type Classification, classify, type Problem, ProblemError, problem } from '../../schema/index.ts';
import { preview } from '../preview.ts';
import { reportProposal } from './report-proposal.ts';

/** What is to be proposed. */
export interface Draft {
  /** Files below the repository's root folder. */
  changes: TreeChanges;
  /** What they are changes of; the branch's head unless given. */
  base?: Oid;
  title: string;
  reason?: string | undefined;
  /** Who proposes it, `Name <address>`; git's author unless given. */
  by?: string | undefined;
  /** The AI session that makes it. */
  session?: string | undefined;
  /** What else the change says about itself. */
  trailers?: readonly ChangeTrailer[] | undefined;
  /** The proposal that is changed, as it is; a new one unless given. */
  amend?: Proposal | undefined;
}

/** A proposal that is on the remote now. */
export interface Published {
  id: string;
  head: Oid;
  url?: string;
  /** Other open proposals about one of the same resources. */
  others: Proposal[];
  /** Why the forge does not show what it would do, where it has a place for that. The proposal is there all the same. */
  unshown?: Problem;
}

/**
 * Publish a change as a proposal, after the same checks that it has to pass on the branch.
 * @returns with `problems`, nothing was pushed when one of `introduced` is an error
 * @throws ProblemError PROPOSAL_INVALID, COMMIT_FAILED, REVIEW_RACE, REMOTE_REFUSED
 */
export async function publishDraft(
  workspace: Workspace,
  forge: Forge,
  draft: Draft,
): Promise<{ introduced: Problem[]; published?: Published }> {
  const base = draft.base ?? (await forge.main());
  const prefix = workspace.path === '' ? '' : `${workspace.path}/`;
  const changes = new Map([...draft.changes].map(([path, content]) => [`${prefix}${path}`, content]));
  const tree = await treeWith(workspace, base, changes);
  const { introduced } = await withSnapshots(workspace, workspace.env, async snapshots => {
    const before = { name: 'main', files: await snapshots.mainFiles(base) };
    return preview(before, { name: 'the proposal', files: await snapshots.files(tree) });
  });
  if (introduced.some(({ severity }) => severity === 'error')) return { introduced };
  const { amend, title, reason = '' } = draft;
  const id = amend?.id ?? newId([...draft.changes.keys()]);
  const head = await commitDraft(workspace, draft, id, tree, base);
  const { url } = await forge.publish({ id, head, title, body: reason, ...(amend && { previous: amend.head }) });
  const others = await sameResources(workspace, forge, id, [...draft.changes.keys()]);
  const unshown = await reportProposal(workspace, forge, id);
  const more = { ...(url !== undefined && { url }), ...(unshown && { unshown }) };
  return { introduced, published: { id, head, others, ...more } };
}

async function commitDraft(workspace: Workspace, draft: Draft, id: string, tree: Oid, base: Oid): Promise<Oid> {
  const { title, reason, session, trailers = [], amend } = draft;
  const by = draft.by ?? (await author(workspace));
  const text = commitMessage(title, '', [
    ['Proposal-Id', id],
    ['Proposed-By', by],
    ...(session === undefined ? [] : [['Session-Id', session] as const]),
    ...(reason === undefined || reason === '' ? [] : [['Reason', reason] as const]),
    ...trailers,
  ]);
  if (!amend) return commitTree(workspace, tree, [base], text);
  const contained = await workspace.git(['merge-base', '--is-ancestor', base, amend.head]);
  const parents = contained.code === 0 ? [amend.head] : [amend.head, base];
  return commitTree(workspace, tree, parents, text);
}

async function author(workspace: Workspace): Promise<string> {
  const identity = await workspace.git(['var', 'GIT_AUTHOR_IDENT']);
  const by = /^(.*>) /.exec(identity.stdout.toString())?.[1];
  if (by !== undefined) return by;
  const hint = 'Tell git who you are: `git config --global user.name …` and `user.email …`.';
  throw new ProblemError(problem('COMMIT_FAILED', 'git does not know who you are', { hint }));
}

/** Other open proposals that change one of the same files or bundles. */
async function sameResources(
  workspace: Workspace,
  forge: Forge,
  id: string,
  paths: readonly string[],
): Promise<Proposal[]> {
  const prefix = workspace.path === '' ? 0 : workspace.path.length + 1;
  const about = new Set(paths.map(subject));
  const open = (await forge.list()).filter(other => other.id !== id && other.state === 'open');
  return open.filter(other => other.paths.some(path => about.has(subject(path.slice(prefix)))));
}

/** `server-everything`, after the first resource that it changes. */
function newId(paths: readonly string[]): string {
  const path = paths.find(one => 'name' in named(classify(one))) ?? paths[0] ?? '';
  return `${subject(path).slice(0, 140).replace(/-+$/, '')}-${randomBytes(3).toString('hex')}`;
}

function subject(path: string): string {
  const { kind, name } = named(classify(path));
  return name === undefined ? 'change-files' : `${kind}-${name}`;
}

function named(declared: Classification): { kind?: string; name?: string } {
  if (declared.kind === 'patch') return named(declared.target);
  if (declared.kind === 'part') return { kind: 'skill', name: declared.name };
  return declared.kind === 'resource' ? { kind: declared.resourceKind.toLowerCase(), name: declared.name } : {};
}
