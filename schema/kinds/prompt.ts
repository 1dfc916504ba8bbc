import { z } from 'zod';

const PromptArgument = z.strictObject({
  name: z
    .string()
    .max(64)
    .regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, 'not an argument name'),
  description: z.string().optional(),
  required: z.boolean().default(false),
});

/** A prompt's front matter; the Markdown below it becomes `content`, where `{{argument}}` is replaced. */
export const Prompt = z.strictObject({
  title: z.string().optional(),
  description: z.string().optional(),
  arguments: z.array(PromptArgument).default([]),
  priority: z.int().min(1).max(10).optional(),
  tags: z.array(z.string()).default([]),
  summary: z.string().optional(),
  link: z.string().optional(),
  content: z.string(),
});
export type Prompt = z.infer<typeof Prompt>;
