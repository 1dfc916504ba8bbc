import { assembleWith, type ParsedFile, untriedPatches } from '../schema/index.ts';

/**
 * What files declare together. All that parses is loaded only where a patch has to be merged: for an environment, or
 * where nobody kept what it makes of its file.
 */
export async function assembleFiles(
  files: readonly ParsedFile[],
  environment: string | undefined,
): Promise<ParsedFile[]> {
  const isMerged = environment !== undefined || untriedPatches(files).length > 0;
  const { patchFile } = isMerged ? await import('../schema/parser.ts') : { patchFile: neverCalled };
  return assembleWith(patchFile, files, environment);
}

function neverCalled(): never {
  throw new Error('a patch is merged of which the outcome was known');
}
