import { z } from 'zod';
import { DnsLabel } from './names.ts';

/** A model with a task, tools and a manner; its own `prompts/` and `personalities/` stand beside it. */
export const Agent = z.strictObject({
  llm: DnsLabel.describe('The Llm it thinks with'),
  project: DnsLabel.optional().describe('The project whose tools, prompts and skills it has'),
  personality: DnsLabel.optional().describe('One of its own personalities, which it has unless told otherwise'),
  instructions: z.string().max(65_536).optional().describe('What it is told first'),
  maxTurns: z.int().min(1).max(1000).optional().describe('How often it may call tools before it must answer'),
});
export type Agent = z.infer<typeof Agent>;
