import { z } from 'zod';

/**
 * Where a secret's values come from. A repository can name nothing but variables made for it (`MCPCTL_SECRET_*`),
 * 0600 files below `~/.mcpctl/secrets/`, and values the machine makes up itself.
 */
export const Secret = z.strictObject({
  data: z.record(
    z.string().regex(/^[A-Za-z0-9._-]{1,253}$/, 'not a Secret key'),
    z.union([
      z.strictObject({ env: z.string().regex(/^MCPCTL_SECRET_[A-Z0-9_]+$/, 'must begin with MCPCTL_SECRET_') }),
      z.strictObject({
        file: z
          .string()
          .max(255)
          .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/, 'not a plain relative path'),
      }),
      z.strictObject({ generate: z.strictObject({ bytes: z.int().min(16).max(256).default(32) }) }),
    ]),
  ),
});
export type Secret = z.infer<typeof Secret>;
