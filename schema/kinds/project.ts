import { z } from 'zod';
import { DnsLabel } from './names.ts';
import { LabelSelector } from './selector.ts';

const VersionRange = z
  .string()
  .max(128)
  .regex(/^[\^~<>=v0-9][0-9A-Za-z.^~<>=|*+ -]*$/, 'not a version range such as ^1.2.0');

const Versions = z.record(DnsLabel, VersionRange);

/** `<server>__<tool>`, where `*` stands for any characters. */
const ToolPattern = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9_.*-]+$/, 'not a tool’s name or a pattern such as `files__*`');

/** What one endpoint of the gateway serves: by name, by label, and what stands in its own folders. */
export const Project = z.strictObject({
  servers: z.array(DnsLabel).max(256).default([]).describe('Servers, by name'),
  prompts: z.array(DnsLabel).max(1024).default([]).describe('Global prompts, by name; its own `prompts/` are included'),
  skills: z.array(DnsLabel).max(1024).default([]).describe('Global skills, by name; its own `skills/` are included'),
  selector: z
    .strictObject({
      servers: LabelSelector.optional().describe('Servers, by their labels'),
      prompts: LabelSelector.optional().describe('Global prompts, by their labels'),
      skills: LabelSelector.optional().describe('Global skills, by their labels'),
    })
    .optional()
    .describe('What is served besides, by label'),
  versions: z
    .strictObject({
      servers: Versions.default({}).describe('Server → range'),
      prompts: Versions.default({}).describe('Prompt → range'),
      skills: Versions.default({}).describe('Skill → range'),
    })
    .optional()
    .describe('Which released versions it takes'),
  instructions: z.string().max(16_384).optional().describe('Given to clients when they connect'),
  gated: z.boolean().default(false).describe('Clients must say what they are about to do before they see the tools'),
  proposals: z
    .boolean()
    .default(false)
    .describe('Whether its clients are offered `propose_prompt` and `propose_skill`; people review what is proposed'),
  expose: z.array(ToolPattern).max(1024).optional().describe('The only tools that are served, `<server>__<tool>`'),
  hide: z.array(ToolPattern).max(1024).default([]).describe('Tools that are not served, `<server>__<tool>`'),
});
export type Project = z.infer<typeof Project>;
