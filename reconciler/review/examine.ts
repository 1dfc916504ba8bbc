import {
  type Forge,
  type FoundStatement,
  mergeTree,
  type Proposal,
  signersOf,
  verifyStatement,
  type Workspace,
} from '../../repo/forges/index.ts';
import { changedPaths, type Oid, type Snapshots } from '../../repo/index.ts';
import {
  digestOf,
  type Judgement,
  judge,
  type Policy,
  type Problem,
  ProblemError,
  type ProposedChange,
  policyDigest,
  problem,
  type SignedStatement,
  type Statement,
} from '../../schema/index.ts';
import { type Preview, preview, type Revision } from '../preview.ts';
import { type EnvironmentPlan, environmentPlans } from './environment-plans.ts';
import { readPolicy } from './policy.ts';

/** A proposal as it stands: what merging it now would do, and whether it may. */
export interface Examined {
  proposal: Proposal;
  /** The commit that it would be merged into. */
  main: Oid;
  /** The tree that merging gives; the proposal's own when it conflicts. */
  tree: Oid;
  before: Revision;
  after: Revision;
  preview: Preview;
  /** The same for each environment whose files it changes: what else it would do where that takes effect. */
  environments: readonly EnvironmentPlan[];
  /** What a statement has to say to be about this. */
  expected: Pick<Statement, 'repository' | 'proposal' | 'head' | 'planDigest' | 'policyDigest'>;
  /** Everything that the policy looks at. */
  change: ProposedChange;
  policy: Policy;
  /** Verified statements, oldest first, as they were found. */
  statements: readonly { signed: SignedStatement; found: FoundStatement }[];
  /** Statements that are none, or whose signature is not good. */
  bad: readonly Problem[];
  judgement: Judgement;
}

/** Files of a proposal beyond this are not reviewed by anybody. */
const MAX_PATHS = 5_000;

/**
 * See what a proposal would do if it was merged into what the branch is now. Nothing is written but objects.
 * A conflict is told among the problems that it would introduce.
 * @param proposal as the forge lists it, after a refresh
 * @throws ProblemError PROPOSAL_INVALID, READ_FAILED
 */
export async function examine(
  workspace: Workspace,
  snapshots: Snapshots,
  forge: Forge,
  proposal: Proposal,
): Promise<Examined> {
  const main = await forge.main();
  const said = (await forge.statements(proposal.id)).get(proposal.id);
  return examineAt(workspace, snapshots, main, proposal, said?.signed ?? []);
}

/**
 * The same, for any commit that it would be merged into, and any statements.
 * @param main a commit's id
 */
export async function examineAt(
  workspace: Workspace,
  snapshots: Snapshots,
  main: Oid,
  proposal: Proposal,
  found: readonly FoundStatement[],
): Promise<Examined> {
  const { objects } = snapshots;
  const [merged, mainFiles, keys] = await Promise.all([
    mergeTree(workspace, main, proposal.head),
    snapshots.mainFiles(main),
    signersOf(objects, proposal.commits),
  ]);
  const conflict = 'conflicts' in merged ? conflicting(proposal, merged.conflicts) : undefined;
  const tree = 'tree' in merged ? merged.tree : `${proposal.head}^{tree}`;
  const [all, files, policy] = await Promise.all([
    conflict ? proposal.paths : changedPaths(objects, main, tree),
    snapshots.files(tree),
    readPolicy(workspace, objects, main, mainFiles),
  ]);
  const paths = conflict ? ownPaths(workspace, proposal) : pathsBelow(workspace, all);
  const before = { name: 'main', files: mainFiles };
  const after = { name: proposal.id, files };
  const seen = conflict
    ? { steps: [], settings: [], changes: [], problems: [conflict], introduced: [conflict] }
    : await preview(before, after);
  const environments = conflict ? [] : await environmentPlans(before, after, paths);
  const expected = {
    repository: policy.catalog.repository?.spec.id ?? '',
    proposal: proposal.id,
    head: proposal.head,
    planDigest: digestOfPlans(seen, environments),
    policyDigest: policyDigest(policy),
  };
  const change: ProposedChange = {
    paths,
    emails: proposal.authors.map(({ email }) => email),
    keys,
    session: proposal.session !== undefined,
  };
  const { statements, bad } = verified(found);
  const signed = statements.map(one => one.signed);
  const judgement = judge(policy, change, expected, signed);
  return {
    proposal,
    main,
    tree,
    before,
    after,
    preview: seen,
    environments,
    expected,
    change,
    policy,
    statements,
    bad,
    judgement,
  };
}

function verified(found: readonly FoundStatement[]): Pick<Examined, 'statements' | 'bad'> {
  const checked = found.map(one => ({ found: one, result: verifyStatement(one) }));
  return {
    statements: checked.flatMap(one => ('signed' in one.result ? { signed: one.result.signed, found: one.found } : [])),
    bad: checked.flatMap(({ result }) => ('problem' in result ? result.problem : [])),
  };
}

/** Digest of what a change does: the same wherever and whenever it is computed. */
function digestOfPlans({ steps, changes, problems }: Preview, environments: readonly EnvironmentPlan[]): string {
  return digestOf({ steps, changes, problems, ...(environments.length > 0 && { environments }) });
}

function ownPaths(workspace: Workspace, { paths }: Proposal): string[] {
  const prefix = workspace.path === '' ? '' : `${workspace.path}/`;
  return paths.flatMap(path => (path.startsWith(prefix) ? [path.slice(prefix.length)] : []));
}

/** What merging changes, below the repository's root folder. */
function pathsBelow(workspace: Workspace, all: readonly string[]): string[] {
  if (all.length > MAX_PATHS) {
    const message = `it changes ${all.length} files; a proposal may change ${MAX_PATHS}`;
    throw new ProblemError(problem('PROPOSAL_INVALID', message));
  }
  const prefix = workspace.path === '' ? '' : `${workspace.path}/`;
  const outside = all.find(path => !path.startsWith(prefix));
  if (outside === undefined) return all.map(path => path.slice(prefix.length));
  const message = `it changes \`${outside}\`, which is outside of \`${prefix}\``;
  throw new ProblemError(problem('PROPOSAL_INVALID', message, { at: { file: outside } }));
}

function conflicting({ id }: Proposal, conflicts: readonly string[]): Problem {
  const shown = conflicts.slice(0, 5).join(', ');
  const more = conflicts.length > 5 ? ` and ${conflicts.length - 5} more` : '';
  const at = conflicts[0] === undefined ? {} : { at: { file: conflicts[0] } };
  return problem('PROPOSAL_CONFLICT', `${id} conflicts with main in ${shown}${more}`, at);
}
