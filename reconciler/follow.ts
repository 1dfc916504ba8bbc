import type { Mirror, Oid, Reader } from '../repo/index.ts';
import type { ParsedFile, Problem } from '../schema/index.ts';

/** What became of one look at the remote: all files of its newest commit, or why it could not be fetched or read. */
export type Followed = { commit: Oid; files: Iterable<ParsedFile> } | { problem: Problem };

/** Follows a remote's ref and keeps every file of its newest commit, parsed. */
export interface Follower {
  /** @param onFetched called as soon as the newest commit is known, before it is read */
  look(mode: 'poll' | 'poke', signal: AbortSignal, onFetched: (commit: Oid) => void): Promise<Followed>;
}

export function createFollower(mirror: Mirror, reader: Reader): Follower {
  let files = new Map<string, ParsedFile>();
  let read: Oid | undefined;
  let rebuiltFor: Oid | undefined;

  async function readCommit(commit: Oid, signal: AbortSignal): ReturnType<Reader['read']> {
    const delta = await reader.read(commit, read, signal);
    if (!('problem' in delta) || delta.problem.code !== 'READ_FAILED') return delta;
    if (rebuiltFor === commit || signal.aborted) return delta;
    // The mirror's objects may be damaged, which fetching alone does not mend; made anew once for each commit.
    rebuiltFor = commit;
    await mirror.fetch('rebuild', signal);
    return reader.read(commit, read, signal);
  }

  return {
    async look(mode, signal, onFetched) {
      const fetched = await mirror.fetch(mode, signal);
      if ('problem' in fetched) return fetched;
      const { commit } = fetched;
      onFetched(commit);
      if (commit === read) return { commit, files: files.values() };
      const delta = await readCommit(commit, signal);
      if ('problem' in delta) return delta;
      if (delta.base === undefined) files = new Map();
      for (const path of delta.removed) files.delete(path);
      for (const file of delta.files) files.set(file.path, file);
      read = commit;
      return { commit, files: files.values() };
    },
  };
}
