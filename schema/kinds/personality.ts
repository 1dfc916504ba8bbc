import { z } from 'zod';
import { Labels } from './names.ts';

/** How an agent behaves: front matter, and the Markdown below it as `content`. */
export const Personality = z.strictObject({
  title: z.string().max(256).optional().describe('Its name as people read it'),
  description: z.string().max(4096).optional().describe('When it fits'),
  priority: z.int().min(1).max(10).optional().describe('1 to 10; the higher, the earlier it is offered'),
  tags: z.array(z.string().max(128)).max(64).default([]).describe('Words it can be found by'),
  labels: Labels.optional().describe('What selectors look at: `key: value`'),
  content: z.string().describe('What the agent is told, as Markdown'),
});
export type Personality = z.infer<typeof Personality>;
