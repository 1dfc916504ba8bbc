/**
 * Where proposals live and are reviewed: one interface, an adapter for any git remote, one for each forge. What the
 * policy makes of a review is not decided here, see `schema/review`.
 */
export { type Branches, openBranches } from './branches.ts';
export { signersOf } from './commit-signers.ts';
export { type Commit, type Person, readCommits, resolveCommit } from './commits.ts';
export { type DaemonWorkspaceOptions, daemonWorkspace } from './daemon-workspace.ts';
export { commitTree, mergeTree, type TreeChanges, treeWith } from './draft.ts';
export type * from './forge.ts';
export { createGitForge, describeProposal, mergeMessage, statementsIn } from './git-forge.ts';
export { checkedToken, type DeclaredLogin } from './github/token.ts';
export { openGithubForge } from './github.ts';
export { hookWorkspace } from './hook-workspace.ts';
export { REVIEW_NAMESPACE, verifyStatement } from './statement-signature.ts';
export { type ChangeTrailer, type ChangeTrailers, commitMessage, trailer, trailersOf } from './trailers.ts';
export { userWorkspace } from './user-workspace.ts';
export { localRefs, type Workspace } from './workspace.ts';
