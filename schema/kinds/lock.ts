import { z } from 'zod';

/**
 * What is kept of `locks/servers/<name>/package-lock.json` after it was checked: enough to compare it with its server.
 * The bytes themselves are read again by `oid` when the package is installed.
 */
export const Lock = z.strictObject({
  oid: z.string(),
  /** The lock's own direct dependencies: name → exact version. */
  dependencies: z.record(z.string(), z.string()),
  packages: z.int(),
});
export type Lock = z.infer<typeof Lock>;
