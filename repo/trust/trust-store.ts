import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { array, int, iso, maxLength, minimum, regex, strictObject, string, tuple, type z } from 'zod/mini';
import { acquireLock, ensurePrivateDir, readPrivateFile, UnsafeFileError, writeAtomic } from '../../host/index.ts';
import { ProblemError, problem, RootDocument, rootFingerprint } from '../../schema/index.ts';
import type { Mark } from './check-tag.ts';
import { newest, type RootChain, walkRoots } from './root-chain.ts';

const MAX_FILE_BYTES = 16 * 1024 * 1024;
const LOCK_TRIES = 200;
const LOCK_WAIT_MS = 50;

const Pinned = strictObject({
  /** Of the root that was pinned, out of band. */
  fingerprint: string().check(regex(/^sha256:[0-9a-f]{64}$/)),
  pinnedAt: iso.datetime(),
  /** Where the repository is; an address that is here is followed by its releases only. */
  remotes: array(string().check(maxLength(4096))).check(maxLength(64)),
  /** Every version from the pinned one on that was walked to. */
  chain: tuple([RootDocument], RootDocument),
});

const Count = int().check(minimum(1));
const Id = string().check(regex(/^[0-9a-f]{40,64}$/));

const MarkFile = strictObject({
  rootVersion: Count,
  sequence: Count,
  version: string().check(maxLength(64)),
  tag: Id,
  manifest: string().check(regex(/^[0-9a-f]{64}$/)),
  acceptedAt: iso.datetime(),
  /** Of the releases accepted last, the newest at the end. */
  commits: array(Id).check(maxLength(50)),
  /** Each time that somebody allowed this machine to go below the mark. */
  lowered: array(strictObject({ at: iso.datetime(), from: Count, to: Count })).check(maxLength(1000)),
});

/** What one machine knows of one repository: the root it pinned, and the newest release it accepted. */
export interface MachineTrust {
  repository: string;
  folder: string;
  fingerprint: string;
  remotes: readonly string[];
  chain: RootChain;
  mark:
    | (Mark & { acceptedAt: string; commits: string[]; lowered: { at: string; from: number; to: number }[] })
    | undefined;
}

/**
 * What this machine trusts for a repository, from `trust/<repository id>/` of mcpctl's home; undefined when no root is
 * pinned. Throws a ProblemError (TRUST_UNUSABLE) when what is there cannot be used: that is never taken for nothing.
 * @param repository an id as `mcpctl.yaml` has it
 */
export async function readTrust(home: string, repository: string): Promise<MachineTrust | undefined> {
  const folder = join(home, 'trust', repository);
  const root = await readJson(join(folder, 'root.json'), Pinned);
  const mark = await readJson(join(folder, 'mark.json'), MarkFile);
  if (!root) {
    if (!mark) return undefined;
    throw unusable(folder, 'it has a high-water mark, but no pinned root');
  }
  const { chain, fingerprint, remotes } = root;
  if (rootFingerprint(chain[0].signed) !== fingerprint || chain[0].signed.repository !== repository) {
    throw unusable(folder, 'its root is not the one that was pinned');
  }
  // Whoever could write there could do worse; but a file that was damaged, or copied together, is found out.
  const offered = new Map(chain.map(document => [document.signed.version, document]));
  const walk = walkRoots([chain[0]], offered);
  if (walk.faults.length > 0) throw unusable(folder, walk.faults.join('; '));
  return { repository, folder, fingerprint, remotes, chain: walk.chain, mark };
}

/** What this machine trusts for the repository at an address; undefined when nothing is pinned for it. */
export async function findTrust(home: string, remote: string): Promise<MachineTrust | undefined> {
  const ids = await readdir(join(home, 'trust')).catch(() => []);
  for (const id of ids.sort()) {
    if (!/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(id)) continue;
    const trust = await readTrust(home, id);
    if (trust?.remotes.some(one => place(one) === place(remote))) return trust;
  }
  return undefined;
}

/** An address without what may be left out of it. */
function place(remote: string): string {
  return remote.replace(/\/+$/, '').replace(/\/?\.git$/, '');
}

/**
 * Pin a root on this machine, and remember the address it is for. A repository that has one keeps it.
 * @throws ProblemError ROOT_PINNED when another root is pinned for the repository
 */
export async function pinRoot(
  home: string,
  chain: RootChain,
  remotes: readonly string[],
  now: Date,
): Promise<MachineTrust> {
  const { repository } = chain[0].signed;
  const fingerprint = rootFingerprint(chain[0].signed);
  const folder = join(home, 'trust', repository);
  return locked(home, folder, async () => {
    const before = await readTrust(home, repository);
    if (before) {
      const known = before.chain.some(({ signed }) => rootFingerprint(signed) === fingerprint);
      if (!known) {
        const message = `another root is pinned for ${repository}: ${before.fingerprint}`;
        throw new ProblemError(problem('ROOT_PINNED', message));
      }
      await writePinned({ ...before, remotes: [...new Set([...before.remotes, ...remotes])] }, now);
    } else {
      await writePinned({ folder, fingerprint, chain, remotes }, now);
    }
    return required(await readTrust(home, repository), folder);
  });
}

/** How a release is accepted. */
export interface AcceptOptions {
  /** Below the mark is allowed, and recorded. */
  allowRollback?: boolean;
  /** The release's commit, to be known again as one that was accepted. */
  commit?: string;
}

/** Remember newer roots and a newly accepted release, before anything of it is applied. What is newer by then stays. */
export async function advanceTrust(
  trust: MachineTrust,
  chain: RootChain,
  mark: Mark | undefined,
  now: Date,
  options: AcceptOptions = {},
): Promise<MachineTrust> {
  const home = join(trust.folder, '..', '..');
  return locked(home, trust.folder, async () => {
    const current = required(await readTrust(home, trust.repository), trust.folder);
    const offered = new Map(chain.map(document => [document.signed.version, document]));
    const walk = walkRoots(current.chain, offered);
    if (walk.faults.length > 0) throw unusable(trust.folder, walk.faults.join('; '));
    if (walk.chain.length > current.chain.length) await writePinned({ ...current, chain: walk.chain }, now);
    if (mark) await writeMark(current, mark, newest(walk.chain).version, now, options);
    return required(await readTrust(home, trust.repository), trust.folder);
  });
}

async function writeMark(
  { folder, mark: before }: MachineTrust,
  mark: Mark,
  rootVersion: number,
  now: Date,
  { allowRollback = false, commit }: AcceptOptions,
): Promise<void> {
  if (mark.rootVersion !== rootVersion) throw raced(folder, `version ${rootVersion} of the root was learned of`);
  const same = before?.rootVersion === mark.rootVersion;
  if (before && same && before.tag === mark.tag) return;
  const lowers = before && same && mark.sequence <= before.sequence;
  if (lowers && !allowRollback) throw raced(folder, `the release with sequence ${before.sequence} was accepted`);
  const at = now.toISOString();
  const lowered = [...(before?.lowered ?? [])];
  if (lowers) lowered.push({ at, from: before.sequence, to: mark.sequence });
  const { sequence, version, tag, manifest } = mark;
  const others = (before?.commits ?? []).filter(one => one !== commit);
  const commits = commit === undefined ? others : [...others, commit].slice(-50);
  const file = {
    rootVersion,
    sequence,
    version,
    tag,
    manifest,
    acceptedAt: at,
    commits,
    lowered: lowered.slice(-1000),
  };
  await writeAtomic(join(folder, 'mark.json'), `${JSON.stringify(file, undefined, 2)}\n`);
}

async function writePinned(
  { folder, fingerprint, chain, remotes }: Pick<MachineTrust, 'folder' | 'fingerprint' | 'chain' | 'remotes'>,
  now: Date,
): Promise<void> {
  const file = { fingerprint, pinnedAt: now.toISOString(), remotes, chain };
  await writeAtomic(join(folder, 'root.json'), `${JSON.stringify(file, undefined, 2)}\n`);
}

/** One writer at a time: of two that accept releases at once, none may undo the other's mark. */
async function locked<T>(home: string, folder: string, work: () => Promise<T>): Promise<T> {
  try {
    await mkdir(home, { recursive: true, mode: 0o700 });
    await ensurePrivateDir(join(home, 'trust'));
    await ensurePrivateDir(folder);
  } catch (error) {
    throw unusable(folder, (error as Error).message);
  }
  for (let tries = 0; tries < LOCK_TRIES; tries++) {
    const release = acquireLock(join(folder, 'lock'));
    if (release) {
      try {
        return await work();
      } finally {
        release();
      }
    }
    await new Promise(resolve => setTimeout(resolve, LOCK_WAIT_MS));
  }
  throw unusable(folder, 'another process holds its lock');
}

async function readJson<T extends z.ZodMiniType>(path: string, type: T): Promise<z.infer<T> | undefined> {
  let text: string;
  try {
    text = (await readPrivateFile(path, MAX_FILE_BYTES)).toString('utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw unusable(path, error instanceof UnsafeFileError ? error.message : String(code));
  }
  try {
    return type.parse(JSON.parse(text), { jitless: true });
  } catch {
    throw unusable(path, 'it is damaged, or from a newer version');
  }
}

function required(trust: MachineTrust | undefined, folder: string): MachineTrust {
  if (trust) return trust;
  throw unusable(folder, 'it was removed meanwhile');
}

function raced(folder: string, what: string): ProblemError {
  const hint = 'Run it again; what is newer stays.';
  return new ProblemError(problem('NOT_TRUSTED', `meanwhile ${what} on this machine (${folder})`, { hint }));
}

function unusable(path: string, why: string): ProblemError {
  return new ProblemError(problem('TRUST_UNUSABLE', `what this machine trusts cannot be used: ${path}: ${why}`));
}
