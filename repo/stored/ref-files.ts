import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Oid } from '../types.ts';

/** A ref that leads to another is followed so often. */
const MAX_STEPS = 5;
const OID = /^[0-9a-f]{40}$/;

/** The refs of a repository, as they lie in its folder: each in a file, or together in `packed-refs`. */
export class RefFiles {
  private readonly gitDir: string;
  private packed: { look: string; text: string } | undefined;

  constructor(gitDir: string) {
    this.gitDir = gitDir;
  }

  /** What a ref leads to. @param name `HEAD`, or whole: `refs/heads/main`; undefined when there is none */
  get(name: string): Oid | undefined {
    let ref = name;
    for (let step = 0; step < MAX_STEPS; step++) {
      const said = this.said(ref);
      if (said === undefined || OID.test(said)) return said;
      const [, next] = /^ref: (refs\/[!-~]+)$/.exec(said) ?? [];
      if (next === undefined || next.includes('..')) throw new Error('a ref says nothing known');
      ref = next;
    }
    throw new Error('a ref leads nowhere');
  }

  /** Whether other objects are to be taken in the place of some. */
  hasReplacements(): boolean {
    return this.packedRefs().includes(' refs/replace/');
  }

  private said(name: string): string | undefined {
    try {
      return readFileSync(join(this.gitDir, name), 'latin1').trimEnd();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A folder, or something below what is no folder: no ref of this name, and perhaps one that is packed.
      if (code !== 'ENOENT' && code !== 'EISDIR' && code !== 'ENOTDIR') throw error;
      return this.packedRef(name);
    }
  }

  /** Found as text: of a hundred thousand lines one is meant. */
  private packedRef(name: string): Oid | undefined {
    const text = this.packedRefs();
    const at = text.indexOf(` ${name}\n`);
    if (at === -1) return undefined;
    const oid = text.slice(text.lastIndexOf('\n', at) + 1, at);
    if (!OID.test(oid)) throw new Error('packed refs are not as they should be');
    return oid;
  }

  private packedRefs(): string {
    const path = join(this.gitDir, 'packed-refs');
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats) return '';
    // Another file by the same name, when it was written anew.
    const look = `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
    if (this.packed?.look !== look) this.packed = { look, text: readFileSync(path, 'latin1') };
    return this.packed.text;
  }
}
