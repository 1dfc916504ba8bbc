import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { ProblemError, problem } from '../../schema/index.ts';
import { findRepository } from '../find-repository.ts';
import { git, gitMissing, lastWords } from '../git.ts';
import { type Objects, openObjects } from '../objects.ts';
import type { PastFiles } from '../past-files.ts';
import { openStored } from '../stored/index.ts';
import type { Oid } from '../types.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The history of a repository, open for reading. */
export interface History {
  readonly gitDir: string;
  /** The folder inside of the git repository that has `mcpctl.yaml`; empty for its root. */
  readonly path: string;
  /** What is meant when no revision is named: `HEAD`, or an id. */
  readonly tip: string;
  readonly objects: Objects;
  /** What was parsed of its files before. */
  past(): Promise<PastFiles>;
  /** Run git on it. @returns its output; throws a ProblemError READ_FAILED when git fails or says too much */
  git(args: readonly string[], more?: GitMore): Promise<Buffer>;
  close(): void;
}

interface GitMore {
  /** It fails with a longer output. */
  maxOutputBytes?: number;
  /** Given each piece of its output as it comes, which is not returned then. */
  onOutput?: (piece: Buffer) => void;
  /** Variables besides ours. */
  extra?: Readonly<Record<string, string>>;
}

interface HistoryOptions {
  objects?: Objects;
  open?: typeof openObjects;
  past?: History['past'];
}

const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;
const TIMEOUT_MS = 300_000;

/**
 * Open the history of the git repository around a folder.
 * Throws a ProblemError REMOTE_NOT_FOUND when there is none.
 */
export async function openHistory(folder: string, env: Env): Promise<History> {
  const found = await findRepository(folder, env);
  let past: Promise<PastFiles> | undefined;
  // What reads and keeps it is loaded when it is asked for.
  const openPast = async () => (await import('../past-files.ts')).openPastFiles(found, env);
  const more = { past: () => (past ??= openPast()), open: found.ordinary ? openStored : openObjects };
  return openHistoryAt({ gitDir: found.gitDir, path: found.path, tip: 'HEAD' }, env, more);
}

/**
 * Open a repository whose place is known, such as a daemon's mirror.
 * @param more `objects`: a connection to it that is open already; closing it stays with whoever opened it; `open`: opens
 * one when it is needed. `past`: what was parsed before; nothing is kept unless given
 */
export function openHistoryAt(
  place: Pick<History, 'gitDir' | 'path' | 'tip'>,
  env: Env,
  {
    objects: given,
    open = openObjects,
    past = async () => (await import('../past-files.ts')).noPast,
  }: HistoryOptions = {},
): History {
  const { gitDir } = place;
  let own: Objects | undefined;
  return {
    ...place,
    get objects() {
      if (given) return given;
      own ??= open(gitDir, env);
      return own;
    },
    past,
    async git(args, { maxOutputBytes = MAX_OUTPUT_BYTES, ...more } = {}) {
      const result = await git(args, { env, gitDir, timeoutMs: TIMEOUT_MS, maxOutputBytes, ...more });
      if (result.code === 0 && !result.truncated) return result.stdout;
      if (result.spawnError) throw new ProblemError(gitMissing(result.spawnError));
      const why = result.truncated ? `its answer has more than ${maxOutputBytes} bytes` : lastWords(result, []);
      throw new ProblemError(problem('READ_FAILED', `git ${args[0]} failed: ${why}`));
    },
    close: () => own?.close(),
  };
}

/** A path below the repository's root folder, as git has it. */
export function gitPath({ path: folder }: History, path: string): string {
  return folder === '' ? path : path === '' ? folder : `${folder}/${path}`;
}

/** The other way round; undefined for what is outside of the repository's root folder. */
export function ownPath({ path: folder }: History, path: string): string | undefined {
  if (folder === '') return path;
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : undefined;
}

/** Pathspecs that mean exactly these files and folders; none mean everything below the root folder. */
export function pathspecs(history: History, paths: readonly string[]): string[] {
  const all = paths.length === 0 ? [''] : paths;
  return all.map(path => gitPath(history, path)).flatMap(path => (path === '' ? [] : [`:(top,literal)${path}`]));
}

/** The object of a name such as `<commit>:<path>`. */
export async function oidAt(history: History, commit: Oid, path: string): Promise<Oid | undefined> {
  return (await history.objects.info(`${commit}:${gitPath(history, path)}`))?.oid;
}

/** Whether older commits are missing because the repository was cloned shallow. */
export async function isShallow(history: History): Promise<boolean> {
  const isThere = (name: string) => lstatSync(join(history.gitDir, name), { throwIfNoEntry: false }) !== undefined;
  // A linked working tree has it elsewhere.
  if (!isThere('shallow') && !isThere('commondir')) return false;
  return (await history.git(['rev-parse', '--is-shallow-repository'])).toString().trim() === 'true';
}
