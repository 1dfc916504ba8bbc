import { z } from 'zod';
import { DnsLabel } from './names.ts';

/** What one endpoint of the gateway serves: servers and global prompts by name; its own `prompts/` folder is included. */
export const Project = z.strictObject({
  servers: z.array(DnsLabel).default([]),
  prompts: z.array(DnsLabel).default([]),
  instructions: z.string().max(16_384).optional().describe('Given to clients when they connect'),
});
export type Project = z.infer<typeof Project>;
