import { assembleWith } from './assemble-with.ts';
import { patchFile } from './patch-file.ts';
import type { ParsedFile } from './resource.ts';

/**
 * What the files of a commit declare together, to be linked: patches of an environment merged, the files of each
 * skill put together to one resource, names that some disks cannot tell apart reported. Pure; what was assembled
 * before stays as it is.
 * @param environment `--env`; without one, no patch takes effect, though all are checked
 */
export function assemble(files: Iterable<ParsedFile>, environment?: string): ParsedFile[] {
  return assembleWith(patchFile, files, environment);
}
