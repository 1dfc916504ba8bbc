/**
 * The past of a repository: what a revision is called (`resolveRevision`), which commits changed a resource
 * (`revisionsOf`), any commit's files, and what is different between two. All of it is read from git's objects, never
 * from a checkout.
 */
export { type BlamedLine, blameOf } from './blame.ts';
export { readPairs, treeFiles } from './changes.ts';
export { type Comparison, compareFiles, diffFiles, type FileDiff, type FilePair } from './compare.ts';
export { type CommitState, compareStates, nothingLike } from './compare-states.ts';
export { type DescribedRevision, describedDocument, describeRevision } from './describe.ts';
export { readPart } from './files.ts';
export { type History, isShallow, openHistory, openHistoryAt } from './history.ts';
export { contentOf, type Inspected, inspect, revisionDocument } from './inspect.ts';
export { mainFileAt, mainFileOf, pathsOf, repositoryFiles } from './locate.ts';
export { type Commit, readLog, trailer } from './log.ts';
export { resolveRevision } from './names.ts';
export { commitsOfProposal, type Origin, withOrigins } from './origins.ts';
export { inPlace, restorable } from './restore.ts';
export { type Revision, revisionsOf } from './revisions.ts';
export { type Word, wordDiff } from './text-diff.ts';
export { type Touch, touchedBy } from './touched.ts';
