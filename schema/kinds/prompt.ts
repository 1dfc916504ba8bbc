import { z } from 'zod';
import { Labels } from './names.ts';

const PromptArgument = z.strictObject({
  name: z
    .string()
    .max(64)
    .regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, 'not an argument name')
    .describe('What `{{name}}` in the text stands for'),
  description: z.string().optional().describe('What it is for'),
  required: z.boolean().default(false).describe('Whether it must be given'),
});

/** A prompt's front matter; the Markdown below it becomes `content`, where `{{argument}}` is replaced. */
export const Prompt = z.strictObject({
  title: z.string().max(256).optional().describe('Its name as people read it'),
  description: z.string().max(4096).optional().describe('What it is for'),
  arguments: z.array(PromptArgument).max(256).default([]).describe('What is filled in'),
  priority: z.int().min(1).max(10).optional().describe('1 to 10; the higher, the earlier it is offered'),
  tags: z.array(z.string().max(128)).max(64).default([]).describe('Words it can be found by'),
  labels: Labels.optional().describe('What selectors look at: `key: value`'),
  summary: z.string().max(4096).optional().describe('Its content in short, for those who do not need all of it'),
  link: z.string().max(2048).optional().describe('Where more can be read'),
  content: z.string().describe('The text, as Markdown'),
});
export type Prompt = z.infer<typeof Prompt>;
