/**
 * The past of a repository: what a revision is called (`resolveRevision`), which commits changed a resource
 * (`revisionsOf`), and any commit's files. All of it is read from git's objects, never from a checkout.
 */
export { parsedAt, readPart } from './files.ts';
export { type History, isShallow, openHistory } from './history.ts';
export { mainFileOf, repositoryFiles } from './locate.ts';
export { type Commit, readLog, trailer } from './log.ts';
export { resolveRevision } from './names.ts';
export { type Revision, revisionsOf } from './revisions.ts';
