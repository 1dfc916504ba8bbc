import type { Objects } from './objects.ts';
import type { RemoteRef, ThinCopyOptions } from './remote-refs.ts';
import type { ThinFile } from './thin-files.ts';
import type { TreeFile } from './tree-changes.ts';
import type { Oid } from './types.ts';
import { webOf } from './wire/web.ts';

/**
 * A client’s copy of a remote: no history, and of the files only those that were asked for. Every method rejects with
 * a ProblemError.
 */
export interface ThinCopy {
  /** Take over what refs lead to; where all of them are taken over already, nothing is transferred. */
  fetch(refs: readonly RemoteRef[], signal?: AbortSignal): Promise<void>;
  /** The files of a commit or tag that belong to the repository format, without their contents. */
  list(commit: Oid, path: string): Promise<TreeFile[]>;
  /** One file of a commit, whether or not it belongs to the format; undefined when there is none. */
  find(commit: Oid, path: string): Promise<TreeFile | undefined>;
  /** The contents of some of them, fetched where they are missing. @param maxBytes of all together */
  read(files: readonly TreeFile[], maxBytes: number, signal?: AbortSignal): Promise<ThinFile[]>;
  /** Contents of files that are on this machine already, from elsewhere: what is the same is not fetched. */
  offer(contents: Iterable<Buffer>): void;
  /** What was taken over, for whoever judges it; to be closed by them. */
  openObjects(): Objects;
  close(): Promise<void>;
}

/**
 * Open a client’s copy of a remote; nothing is asked or written before it is used. Over HTTP(S) this process speaks with
 * the remote itself, and needs no git; every other remote, and a server without protocol version 2, is git’s.
 */
export async function openThinCopy(options: ThinCopyOptions): Promise<ThinCopy> {
  const web = await webOf(options);
  if (web) {
    const { WebCopy } = await import('./wire/web-copy.ts');
    return new WebCopy(options, web);
  }
  const { GitCopy } = await import('./git-copy.ts');
  return new GitCopy(options);
}
