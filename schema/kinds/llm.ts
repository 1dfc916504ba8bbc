import { z } from 'zod';
import { ValueFrom } from './value-source.ts';

/** A model that agents use. */
export const Llm = z.strictObject({
  provider: z
    .enum(['anthropic', 'openai', 'google', 'azure-openai', 'bedrock', 'mistral', 'ollama', 'openai-compatible'])
    .describe('Whose API it is spoken with'),
  model: z.string().min(1).max(256).describe('The model, as its provider names it'),
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Where the API is; left out, the provider’s own address'),
  apiKey: z
    .strictObject({ valueFrom: ValueFrom.describe('Where it comes from') })
    .optional()
    .describe('The API’s key'),
  maxTokens: z.int().min(1).max(10_000_000).optional().describe('Longest answer'),
  temperature: z.number().min(0).max(2).optional().describe('How freely it answers'),
});
export type Llm = z.infer<typeof Llm>;
