import { assembleBundles } from './bundle.ts';
import { collisions } from './collisions.ts';
import { applyEnvironment, type PatchFile } from './environment.ts';
import type { ParsedFile } from './resource.ts';

/** `assemble`, given what merges patches; it is called for those only of which the outcome is not known. */
export function assembleWith(
  patchFile: PatchFile,
  files: Iterable<ParsedFile>,
  environment: string | undefined,
): ParsedFile[] {
  return assembleBundles(applyEnvironment(collisions([...files]), environment, patchFile));
}
