import { z } from 'zod';
import { DnsLabel } from './names.ts';

/** `mcpctl.yaml`: what holds for the repository as a whole. */
export const Repository = z.strictObject({
  id: z
    .string()
    .max(128)
    .regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/, 'not a repository id: lower-case letters, digits, `.` and `-`')
    .describe('Names this repository for ever; statements and releases are made for it'),
  environments: z
    .array(DnsLabel)
    .max(64)
    .optional()
    .describe('The environments there are; with this list, a folder below `environments/` of another name is an error'),
});
export type Repository = z.infer<typeof Repository>;
