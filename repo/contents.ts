import { ProblemError, problem } from '../schema/index.ts';
import { findRepository } from './find-repository.ts';
import { openObjects } from './objects.ts';
import type { Oid } from './types.ts';

/**
 * Contents of blobs by their ids. Throws a ProblemError: REMOTE_NOT_FOUND, READ_FAILED when one is missing or too large.
 * @param folder a folder inside a git repository, or a bare one
 */
export async function readContents(
  folder: string,
  oids: readonly Oid[],
  maxBytes: number,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ReadonlyMap<Oid, Buffer>> {
  const { gitDir } = await findRepository(folder, env);
  const objects = openObjects(gitDir, env);
  try {
    const found = await Promise.all(
      [...new Set(oids)].map(async oid => [oid, await objects.contents(oid, maxBytes)] as const),
    );
    return new Map(
      found.map(([oid, contents]) => {
        if (contents?.bytes) return [oid, contents.bytes];
        throw new ProblemError(
          problem('READ_FAILED', `the blob ${oid} is missing, or has more than ${maxBytes} bytes`),
        );
      }),
    );
  } finally {
    objects.close();
  }
}
