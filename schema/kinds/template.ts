import { z } from 'zod';

/** A parameter of a template. What a default and a pattern mean for its type is one of the rules. */
const Parameter = z.strictObject({
  name: z
    .string()
    .max(64)
    .regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, 'not a parameter name')
    .describe('Its name; between `$`, `{` and `}` it stands for its value in `server`'),
  type: z
    .enum(['string', 'integer', 'boolean', 'enum', 'secret'])
    .default('string')
    .describe('What its value may be; a `secret` is given as one key of a Secret, `NAME/KEY`'),
  description: z.string().max(1024).optional().describe('What it is for'),
  default: z.union([z.string(), z.int(), z.boolean()]).optional().describe('Its value when none is given'),
  required: z.boolean().default(false).describe('Whether a value must be given'),
  pattern: z.string().max(256).optional().describe('Regular expression that the whole of a `string` must match'),
  values: z.array(z.string()).max(64).optional().describe('What an `enum` may be'),
});
export type Parameter = z.infer<typeof Parameter>;

/** A Server with parameters. It is copied into a Server, which names it as its origin and owes it nothing more. */
export const Template = z.strictObject({
  version: z
    .string()
    .max(64)
    .regex(/^[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?$/, 'not a version such as 1.2.3')
    .optional()
    .describe('Version of the template itself, noted on what is made of it'),
  parameters: z.array(Parameter).max(64).default([]).describe('What can be chosen'),
  server: z
    .record(z.string(), z.json())
    .describe(`The \`spec\` of a Server, in which \`\${name}\` stands for a parameter’s value`),
});
export type Template = z.infer<typeof Template>;
