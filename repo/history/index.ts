/**
 * The past of a repository: what a revision is called (`resolveRevision`), which commits changed a resource
 * (`revisionsOf`), any commit's files, and what is different between two. All of it is read from git's objects, never
 * from a checkout.
 */
export { type BlamedLine, blameOf } from './blame.ts';
export { type CommitState, readPairs, restorable, skillContext, stateChanges, treeFiles } from './changes.ts';
export { type Comparison, compareFiles, type FileDiff, type FilePair } from './compare.ts';
export { parsedAt, readPart } from './files.ts';
export { type History, isShallow, openHistory } from './history.ts';
export { mainFileAt, mainFileOf, pathsOf, repositoryFiles } from './locate.ts';
export { type Commit, readLog, trailer } from './log.ts';
export { resolveRevision } from './names.ts';
export { commitsOf, type Origin, originsOf } from './origins.ts';
export { type Revision, revisionsOf } from './revisions.ts';
export { type Word, wordDiff } from './text-diff.ts';
export { type Touch, touchedBy } from './touched.ts';
