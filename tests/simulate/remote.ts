import { createHash } from 'node:crypto';
import type { Mirror, Oid, Reader } from '../../repo/index.ts';
import { type ParsedFile, parseFile, problem } from '../../schema/index.ts';
import { type Declared, filesOf } from './declared.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface Commit {
  oid: Oid;
  parents: ReadonlySet<Oid>;
  declared: Declared;
  files: ReadonlyMap<string, string>;
}

/** A repository with one branch, somewhere else. */
export interface Remote {
  readonly head: Commit;
  /** Every commit that there ever was. */
  readonly commits: ReadonlyMap<Oid, Commit>;
  /** @param onto the commit before; the head unless given, which rewrites history */
  push(declared: Declared, onto?: Commit): Commit;
  /** Put the branch where it once was. */
  reset(to: Commit): void;
}

export type Fault = 'none' | 'fails' | 'hangs';

/** How git and the reader process do. */
export interface SourceFaults {
  git: Fault;
  reader: Fault;
}

/** As the real ones: what takes longer is given up. Milliseconds. */
const GIT_MS = 60_000;
const READ_MS = 20_000;

/** What a file's text parses to is always the same. */
const parsed = new Map<string, ParsedFile>();

export function createRemote(first: Declared): Remote {
  const commits = new Map<Oid, Commit>();
  let head = make(first);

  function make(declared: Declared, before?: Commit): Commit {
    const files = filesOf(declared);
    const oid = hash(JSON.stringify([before?.oid, commits.size, ...files]));
    const commit = {
      oid,
      parents: new Set([...(before?.parents ?? []), ...(before ? [before.oid] : [])]),
      declared,
      files,
    };
    commits.set(oid, commit);
    return commit;
  }

  return {
    get head() {
      return head;
    },
    commits,
    push(declared, onto = head) {
      head = make(declared, onto);
      return head;
    },
    reset(to) {
      head = to;
    },
  };
}

/** The daemon's copy of the remote. @param wait for as long as the daemon lives */
export function simulatedMirror(
  remote: Remote,
  faults: SourceFaults,
  clock: VirtualClock,
  onFetch: () => void,
): Mirror {
  let held: Commit | undefined;
  const nothing = async () => ({ problem: problem('REMOTE_TIMEOUT', 'the remote has no such thing') });
  return {
    gitDir: '/nowhere',
    async fetch(_mode, signal) {
      onFetch();
      await clock.sleep(faults.git === 'hangs' ? GIT_MS : 40, signal);
      if (faults.git !== 'none' || signal?.aborted) {
        return { problem: problem('REMOTE_TIMEOUT', 'the remote is out of reach') };
      }
      const before = held;
      held = remote.head;
      const rewritten = before && before !== held && !held.parents.has(before.oid) ? { rewritten: before.oid } : {};
      return { commit: held.oid, changed: held !== before, ...rewritten };
    },
    deepen: nothing,
    list: nothing,
    take: nothing,
  };
}

export function simulatedReader(remote: Remote, faults: SourceFaults, clock: VirtualClock): Reader {
  return {
    async read(oid, base, signal) {
      await clock.sleep(faults.reader === 'hangs' ? READ_MS : 10, signal);
      const commit = remote.commits.get(oid);
      if (faults.reader !== 'none' || !commit || signal?.aborted) {
        return { problem: problem('READ_FAILED', 'the commit could not be read') };
      }
      const before = base === undefined ? undefined : remote.commits.get(base)?.files;
      const changed = [...commit.files].filter(([path, text]) => before?.get(path) !== text);
      return {
        commit: oid,
        ...(before && { base: base ?? '' }),
        files: changed.map(([path, text]) => parse(path, text)),
        removed: [...(before?.keys() ?? [])].filter(path => !commit.files.has(path)),
        blobsRead: changed.length,
      };
    },
    blob: () => Promise.reject(new Error('no blob is asked for')),
    wake() {},
    close: async () => {},
  };
}

function parse(path: string, text: string): ParsedFile {
  const key = `${path}\0${text}`;
  const known = parsed.get(key) ?? parseFile({ path, oid: hash(text), mode: '100644' }, Buffer.from(text));
  parsed.set(key, known);
  return known;
}

function hash(text: string): Oid {
  return createHash('sha1').update(text).digest('hex');
}
