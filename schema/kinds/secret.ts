import { z } from 'zod';

/** One value's source: exactly one of a variable, a file, and a value the machine makes up itself. */
const SecretSource = z
  .strictObject({
    env: z
      .string()
      .max(255)
      .regex(/^MCPCTL_SECRET_[A-Z0-9_]+$/, 'must be MCPCTL_SECRET_ and capitals, digits or `_`')
      .optional()
      .describe('A variable of the daemon’s environment, `MCPCTL_SECRET_…`'),
    file: z
      .string()
      .max(255)
      .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/, 'not a plain relative path')
      .optional()
      .describe('A file of mode 0600 below `~/.mcpctl/secrets/`'),
    generate: z
      .strictObject({ bytes: z.int().min(16).max(256).default(32).describe('How many random bytes') })
      .optional()
      .describe('A random value, made up on each machine at first start'),
  })
  .transform(({ env, file, generate }, context) => {
    const sources = [env, file, generate].filter(source => source !== undefined);
    if (sources.length === 1 && env !== undefined) return { env };
    if (sources.length === 1 && file !== undefined) return { file };
    if (sources.length === 1 && generate) return { generate };
    context.addIssue({ code: 'custom', message: 'needs exactly one of `env`, `file` and `generate`' });
    return z.NEVER;
  });

/**
 * Where a secret's values come from. A repository can name nothing but variables made for it (`MCPCTL_SECRET_*`),
 * 0600 files below `~/.mcpctl/secrets/`, and values the machine makes up itself.
 */
export const Secret = z.strictObject({
  data: z
    .record(z.string().regex(/^[A-Za-z0-9._-]{1,253}$/, 'not a Secret key'), SecretSource)
    .describe('Key → where its value comes from'),
});
export type Secret = z.infer<typeof Secret>;
