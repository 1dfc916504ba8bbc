import semver from 'semver';
import { z } from 'zod';
import { DnsLabel } from './names.ts';

const NpmName = z
  .string()
  .max(214)
  .regex(/^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/, 'not an npm package name');

const ExactVersion = z
  .string()
  .refine(
    value => semver.valid(value) === value,
    'not an exact version such as 1.2.3; ranges and tags are not allowed',
  );

const NpmPackage = z.strictObject({
  registry: z.literal('npm'),
  identifier: NpmName,
  version: ExactVersion,
  installScripts: z.boolean().default(false).describe('Run the package’s install scripts, with its dependencies’'),
});

const SecretRef = z.strictObject({ name: DnsLabel, key: z.string().min(1).max(253) });

/** One environment variable: a literal value, or one key of a Secret. An optional variable is `value: ""`. */
const EnvVar = z
  .strictObject({
    name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'not an environment variable name'),
    value: z.string().optional(),
    valueFrom: z.strictObject({ secretRef: SecretRef }).optional(),
  })
  .transform(({ name, value, valueFrom }, context) => {
    if (value !== undefined && !valueFrom) return { name, value };
    if (valueFrom && value === undefined) return { name, valueFrom };
    context.addIssue({ code: 'custom', message: 'needs exactly one of `value` and `valueFrom`' });
    return z.NEVER;
  });

/**
 * An MCP server and how it is run. Field names follow the MCP registry's server.json where it has one.
 * Exactly one of `package`, `command` and `url` says what it is; `schema/rules.ts` holds that and the other rules
 * that need more than one field.
 */
export const Server = z.strictObject({
  transport: z.enum(['stdio', 'streamable-http']),
  package: NpmPackage.optional(),
  command: z.array(z.string().min(1)).min(1).optional().describe('argv; no shell reads it'),
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('An external server, reached over Streamable HTTP'),
  port: z.int().min(1).max(65535).optional().describe('Passed as PORT; left out, any free port is chosen'),
  path: z
    .string()
    .regex(/^\/[^\s?#]*$/, 'not an absolute URL path')
    .default('/mcp')
    .describe('URL path of the endpoint'),
  args: z.array(z.string()).default([]),
  env: z.array(EnvVar).default([]),
  replicas: z.int().min(0).max(64).default(1),
});
export type Server = z.infer<typeof Server>;
