import type { FetchResult, Mirror, Oid, Reader } from '../repo/index.ts';
import type { ParsedFile, Problem } from '../schema/index.ts';

/** Follows a remote's ref and keeps every file of its newest commit, parsed. */
export interface Follower {
  /** The ref's newest commit. */
  fetch(mode: 'poll' | 'poke', signal: AbortSignal): Promise<FetchResult>;
  /** All files of a commit that was fetched; what did not change since the one read before is not read again. */
  read(commit: Oid, signal: AbortSignal): Promise<{ files: Iterable<ParsedFile> } | { problem: Problem }>;
}

export function createFollower(mirror: Mirror, reader: Reader): Follower {
  let files = new Map<string, ParsedFile>();
  let last: Oid | undefined;
  let rebuiltFor: Oid | undefined;

  async function readCommit(commit: Oid, signal: AbortSignal): ReturnType<Reader['read']> {
    const delta = await reader.read(commit, last, signal);
    if (!('problem' in delta) || delta.problem.code !== 'READ_FAILED') return delta;
    if (rebuiltFor === commit || signal.aborted) return delta;
    // The mirror's objects may be damaged, which fetching alone does not mend; made anew once for each commit.
    rebuiltFor = commit;
    await mirror.fetch('rebuild', signal);
    return reader.read(commit, last, signal);
  }

  return {
    fetch(mode, signal) {
      // Who pokes has pushed; most polls find nothing.
      if (mode === 'poke') reader.wake();
      return mirror.fetch(mode, signal);
    },
    async read(commit, signal) {
      if (commit === last) return { files: files.values() };
      const delta = await readCommit(commit, signal);
      if ('problem' in delta) return delta;
      if (delta.base === undefined) files = new Map();
      for (const path of delta.removed) files.delete(path);
      for (const file of delta.files) files.set(file.path, file);
      last = commit;
      return { files: files.values() };
    },
  };
}
