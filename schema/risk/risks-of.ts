import { readSaid } from './document.ts';
import type { ChangedFile, Risk } from './risk.ts';
import { risksAs } from './risks.ts';

/** What a change may bring about, whatever its files say: see `risksAs`. */
export function risksOf(files: Iterable<ChangedFile>): Risk[] {
  return risksAs(readSaid, files);
}
