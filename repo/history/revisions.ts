import type { ResourceId } from '../../schema/index.ts';
import type { Oid } from '../types.ts';
import { gitPath, type History, ownPath, pathspecs } from './history.ts';
import { lastMainFile, pathsOf } from './locate.ts';
import { type Commit, type FileChange, parseLog, readLog } from './log.ts';
import { versionsOf } from './releases.ts';
import { labelRevisions } from './versions.ts';

/** A commit that changed a resource. */
export interface Revision extends Commit {
  id: ResourceId;
  /** `1.4.0`, or `1.4.0+3.g1a2b3c4` for what no release has. */
  version: string;
  /** The first release that has it. */
  release?: string;
  op: 'created' | 'changed' | 'renamed' | 'deleted';
  /** Its main file, as this revision has it; for one that was deleted, as it was. */
  main: string;
  /** git's id of its content: of its file, of a skill's folder. Undefined when it is gone. */
  oid: Oid | undefined;
}

/** Where a main file came from, and the commit that moved it. */
interface Rename {
  index: number;
  change: FileChange;
  from: string;
}

/** More renames than this in one history are not followed. */
const MAX_RENAMES = 64;

/** A part of a history during which a resource had one path. */
interface Segment {
  main: string;
  commits: Commit[];
}

/**
 * The revisions of a resource, newest first, whether or not it is still there. Renames are followed: what was moved to
 * its place is its own past. Empty when it never was.
 */
export async function revisionsOf(history: History, id: ResourceId, from: Oid): Promise<Revision[]> {
  const last = await lastMainFile(history, from, id);
  if (last === undefined) return [];
  const segments = await segmentsOf(history, id, from, last);
  const found = await Promise.all(
    segments.flatMap(({ main, commits }) => commits.map(commit => revisionOf(history, id, main, commit))),
  );
  const versions = await versionsOf(
    history,
    id,
    segments.map(({ main }) => contentPath(main)),
  );
  return labelRevisions(found, versions);
}

async function segmentsOf(history: History, id: ResourceId, from: Oid, last: string): Promise<Segment[]> {
  const segments: Segment[] = [];
  let main: string | undefined = last;
  for (let start: Oid | undefined = from; start !== undefined && main !== undefined; ) {
    const paths = pathspecs(history, pathsOf(id, main));
    // A skill's folder may hold another file of a lock's name; what is asked for is what git is asked for.
    const args = ['--full-history', '--show-pulls', '--no-renames', '--date-order'];
    const commits = withoutPulls(await readLog(history, { from: start, paths, args }));
    const rename: Rename | undefined =
      segments.length < MAX_RENAMES ? await findRename(history, main, commits) : undefined;
    segments.push({ main, commits: rename ? commits.slice(0, rename.index + 1) : commits });
    if (rename) rename.change.from = rename.from;
    start = rename && `${commits[rename.index]?.commit}^1`;
    main = rename?.from;
  }
  return segments;
}

/** A merge that only brings in what its branch's commits did is no revision of its own. */
function withoutPulls(commits: readonly Commit[]): Commit[] {
  const kept: Commit[] = [];
  const state = new Map<string, Oid | undefined>();
  for (const commit of commits.toReversed()) {
    const isNews = commit.files.some(({ path, after }) => !state.has(path) || state.get(path) !== after?.oid);
    if (commit.parents.length > 1 && !isNews) continue;
    for (const { path, after } of commit.files) state.set(path, after?.oid);
    kept.push(commit);
  }
  return kept.reverse();
}

/** The newest commit that brought a main file into being by moving it from elsewhere. */
async function findRename(history: History, main: string, commits: readonly Commit[]): Promise<Rename | undefined> {
  for (const [index, commit] of commits.entries()) {
    const change = commit.files.find(({ path }) => path === main);
    if (!change || change.before || commit.parents.length !== 1) continue;
    const args = ['diff-tree', '-r', '-M', '-z', '--raw', '--no-abbrev', '--diff-filter=R', '--format=%x01%H%x03'];
    const output = await history.git([...args, commit.commit, '--']);
    const renames = parseLog(output, path => ownPath(history, path)).flatMap(({ files }) => files);
    const from = renames.find(({ path }) => path === main)?.from;
    if (from !== undefined) return { index, change, from };
  }
  return undefined;
}

async function revisionOf(history: History, id: ResourceId, main: string, commit: Commit): Promise<Revision> {
  const path = contentPath(main);
  const change = commit.files.find(one => one.path === main);
  const simple = path === main && change !== undefined;
  const oid = simple
    ? change.after?.oid
    : (await history.objects.info(`${commit.commit}:${gitPath(history, path)}`))?.oid;
  return { ...commit, id, version: '', op: opOf(change, oid), main, oid };
}

function opOf(change: FileChange | undefined, oid: Oid | undefined): Revision['op'] {
  if (change?.from !== undefined) return 'renamed';
  if (change && !change.before) return 'created';
  return oid === undefined || (change && !change.after) ? 'deleted' : 'changed';
}

/** What stands for a resource's content: its file, or its folder. */
function contentPath(main: string): string {
  return main.endsWith('/SKILL.md') ? main.slice(0, -'/SKILL.md'.length) : main;
}
