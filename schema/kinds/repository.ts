import { z } from 'zod';

/** `mcpctl.yaml`: what holds for the repository as a whole. */
export const Repository = z.strictObject({
  id: z
    .string()
    .max(128)
    .regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/, 'not a repository id: lower-case letters, digits, `.` and `-`')
    .describe('Names this repository for ever; statements and releases are made for it'),
});
export type Repository = z.infer<typeof Repository>;
