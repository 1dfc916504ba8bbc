/**
 * The room of the git repository as a database: where it is (`parseRemote`, `parseRef`), the daemon's bare copy of it
 * (`openSource`), and a commit's or folder's files, parsed (`openReader`, `readWorktree`, `readCommit`). git runs in a
 * fixed environment and never sees anything that our own grammar did not pass; commits are read from git's objects,
 * never from a checkout.
 */
export { type AnsweredBundle, askBundle, type BundlePlace } from './ask-bundle.ts';
export { askRefs } from './ask-refs.ts';
export { type Bundles, openBundles } from './bundles.ts';
export { changedPaths } from './changed-paths.ts';
export { readContents } from './contents.ts';
export { findRepository } from './find-repository.ts';
export { gitMissing } from './git.ts';
export { type ObjectContents, type Objects, openObjects } from './objects.ts';
export { openObjectsAhead } from './objects-ahead.ts';
export { openReader, type ReaderOptions } from './reader/index.ts';
export { parseRef, parseRepoPath } from './ref.ts';
export type { RemoteRef, ThinCopyOptions } from './remote-refs.ts';
export { openSnapshots, type Snapshots, withSnapshots } from './snapshots.ts';
export { openSource, type SourceOptions } from './source.ts';
export { readStaged } from './staged.ts';
export { openThinCopy, type ThinCopy } from './thin-copy.ts';
export type { ThinFile } from './thin-files.ts';
export type { TreeFile } from './tree-changes.ts';
export type * from './types.ts';
export { type ParsedRemote, parseRemote } from './url.ts';
export { readCommit, readObjects, readWorktree, type TreePart } from './worktree.ts';
