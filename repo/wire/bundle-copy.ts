import { ProblemError, problem } from '../../schema/index.ts';
import type { Objects } from '../objects.ts';
import type { RemoteRef } from '../remote-refs.ts';
import type { ThinCopy } from '../thin-copy.ts';
import { findFile, listFiles, readFiles, sizesOf, type ThinFile } from '../thin-files.ts';
import type { TreeFile } from '../tree-changes.ts';
import type { Oid } from '../types.ts';
import { type ObjectSet, objectsOf } from './object-set.ts';

/**
 * What a gateway sent. Each object is found by the id that its bytes have, so one that was changed is one that is missing:
 * then nothing of it is trusted.
 */
export class BundleCopy implements ThinCopy {
  private readonly set: ObjectSet;

  constructor(set: ObjectSet) {
    this.set = set;
  }

  async fetch(refs: readonly RemoteRef[]): Promise<void> {
    const missing = refs.find(({ oid }) => !this.set.get(oid));
    if (missing) throw untrusted(`\`${missing.ref}\``);
  }

  find(commit: Oid, path: string): Promise<TreeFile | undefined> {
    return findFile(this.openObjects(), commit, path);
  }

  list(commit: Oid, path: string): Promise<TreeFile[]> {
    return listFiles(this.openObjects(), commit, path).catch(error => {
      throw error instanceof ProblemError && error.problem.code === 'READ_FAILED' ? untrusted('a folder') : error;
    });
  }

  async read(files: readonly TreeFile[], maxBytes: number): Promise<ThinFile[]> {
    const missing = files.find(({ oid }) => !this.set.get(oid));
    if (missing) throw untrusted(`\`${missing.path}\``, missing.path);
    const objects = this.openObjects();
    const oids = files.map(({ oid }) => oid);
    return readFiles(objects, files, await sizesOf(objects, oids), maxBytes);
  }

  /** Everything came at once. */
  offer(): void {}

  openObjects(): Objects {
    return objectsOf(this.set);
  }

  async close(): Promise<void> {}
}

function untrusted(what: string, file?: string): ProblemError {
  const message = `what the gateway sent is not trusted: ${what} is not there, or not as its commit has it`;
  return new ProblemError(problem('NOT_TRUSTED', message, file === undefined ? {} : { at: { file } }));
}
