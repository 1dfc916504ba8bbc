import { assembleWith } from './assemble-with.ts';
import { untriedPatches } from './environment.ts';
import type { ParsedFile } from './resource.ts';

/**
 * `assemble`, for whoever may have found everything parsed. All that parses is loaded only where a patch has to be
 * merged: for an environment, or where nobody kept what it makes of its file.
 */
export async function assembleFiles(
  files: readonly ParsedFile[],
  environment: string | undefined,
): Promise<ParsedFile[]> {
  const isMerged = environment !== undefined || untriedPatches(files).length > 0;
  const { patchFile } = isMerged ? await import('./parser.ts') : { patchFile: neverCalled };
  return assembleWith(patchFile, files, environment);
}

function neverCalled(): never {
  throw new Error('a patch is merged of which the outcome was known');
}
