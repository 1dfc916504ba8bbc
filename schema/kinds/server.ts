import { z } from 'zod';
import { DnsLabel } from './names.ts';
import { RuntimeName } from './runtime-name.ts';
import { namedValue } from './value-source.ts';

/** Which names and versions each registry allows is one of the rules in `schema/rules.ts`. */
const Package = z.strictObject({
  registry: z.enum(['npm', 'pypi']).describe('Where the package comes from'),
  identifier: z.string().min(1).max(214).describe('The package’s name there'),
  version: z.string().max(128).describe('One exact version; never a range or a tag'),
  installScripts: z.boolean().default(false).describe('Run the package’s install scripts, with its dependencies’'),
});

const EnvironmentName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'not an environment variable name');

/** RFC 9110 field name. */
const HeaderName = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'not an HTTP header name');

const HealthCheck = z.strictObject({
  tool: z.string().min(1).max(128).optional().describe('A tool to call; without it, the tools are listed'),
  arguments: z.record(z.string(), z.json()).optional().describe('What the tool is given'),
  intervalSeconds: z.int().min(1).max(86_400).default(30).describe('Seconds between two checks'),
  timeoutSeconds: z.int().min(1).max(600).default(10).describe('Seconds until a check has failed'),
  failureThreshold: z.int().min(1).max(100).default(3).describe('Failures in a row that make it unhealthy'),
  restart: z.boolean().default(false).describe('Restart an instance that is unhealthy; else it is only reported'),
});

const Quantity = z
  .string()
  .max(32)
  .regex(/^[0-9]+(?:\.[0-9]+)?(?:m|k|M|G|T|Ki|Mi|Gi|Ti)?$/, 'not a quantity such as `500m` or `256Mi`');

const Amounts = z.strictObject({
  cpu: Quantity.optional().describe('CPUs: `2`, `500m`'),
  memory: Quantity.optional().describe('Bytes: `256Mi`, `1Gi`'),
});

const Limits = z.strictObject({
  ...Amounts.shape,
  pids: z.int().min(1).max(1_000_000).optional().describe('Processes and threads'),
  files: z.int().min(16).max(1_000_000).optional().describe('Open files of each process'),
});

const Resources = z.strictObject({
  requests: Amounts.optional().describe('What an instance is given at least'),
  limits: Limits.optional().describe('What an instance may use at most'),
});

const Isolation = z.strictObject({
  paths: z
    .array(
      z.strictObject({
        path: z
          .string()
          .max(4096)
          .regex(/^\/[^\0]*$/, 'not an absolute path')
          .describe('A file or folder of the machine'),
        access: z.enum(['read', 'write']).default('read').describe('What the server may do there'),
      }),
    )
    .max(64)
    .default([])
    .describe('What the server may see of the machine, besides its own folder'),
  network: z.enum(['none', 'local', 'full']).default('full').describe('Which addresses the server may reach'),
});

/** RFC 6901. */
const JsonPointer = z
  .string()
  .max(512)
  .regex(/^(?:\/(?:[^~/]|~[01])*)+$/, 'not a JSON pointer such as `/spec/replicas`');

/**
 * An MCP server and how it is run. Field names follow the MCP registry's server.json where it has one.
 * Exactly one of `package`, `command`, `image` and `url` says what it is; `schema/rules.ts` holds that and the other
 * rules that need more than one field.
 */
export const Server = z.strictObject({
  transport: z.enum(['stdio', 'streamable-http', 'sse']).describe('How the server is spoken with'),
  package: Package.optional().describe('A package of a registry'),
  command: z.array(z.string().min(1)).min(1).max(256).optional().describe('argv; no shell reads it'),
  cwd: z
    .string()
    .max(4096)
    .regex(/^\/[^\0]*$/, 'not an absolute path')
    .optional()
    .describe('Folder in which `command` starts; left out, the instance’s own private folder'),
  image: z
    .string()
    .max(512)
    .regex(
      /^(?:sha256:[0-9a-f]{64}|[a-z0-9]+(?:[._:/-]+[A-Za-z0-9]+)*(?:@sha256:[0-9a-f]{64})?)$/,
      'not an image such as name@sha256:… or sha256:…',
    )
    .optional()
    .describe('A container image: `name@sha256:…`, or an image id `sha256:…`'),
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('An external server, reached over HTTP'),
  runner: z.enum(['node', 'python']).optional().describe('What runs the package; follows from its registry'),
  args: z.array(z.string()).max(1024).default([]).describe('Further arguments of the package, command or image'),
  env: z.array(namedValue(EnvironmentName)).max(512).default([]).describe('The environment; nothing else is passed on'),
  headers: z.array(namedValue(HeaderName)).max(64).default([]).describe('HTTP headers sent to `url`'),
  port: z.int().min(1).max(65535).optional().describe('Passed as PORT; left out, any free port is chosen'),
  path: z
    .string()
    .regex(/^\/[^\s?#]*$/, 'not an absolute URL path')
    .default('/mcp')
    .describe('URL path of the endpoint'),
  replicas: z.int().min(0).max(64).default(1).describe('How many instances run; 0 stops the server'),
  strategy: z
    .enum(['recreate', 'rolling'])
    .optional()
    .describe(
      'How instances are replaced: `recreate`, the old one ends first (what stdio servers do unless told otherwise, and all with a `port`); `rolling`, a new one is ready first, in a folder of its own',
    ),
  healthCheck: HealthCheck.optional().describe('How it is found out whether an instance works'),
  resources: Resources.optional().describe('What each instance needs, and may use'),
  runtime: RuntimeName.optional().describe('Where it runs; left out, where the daemon runs its servers'),
  isolation: Isolation.optional().describe('What the server may reach'),
  dependsOn: z.array(DnsLabel).max(64).default([]).describe('Servers that must be Ready before this one starts'),
  prune: z
    .enum(['auto', 'never'])
    .optional()
    .describe(
      'What is done when it is no longer declared: ended within the prune budget, or left; `auto` unless given',
    ),
  drift: z
    .enum(['correct', 'report'])
    .optional()
    .describe('What is done when what runs is not what is declared; `correct` unless given'),
  ignoreFields: z
    .array(JsonPointer)
    .max(64)
    .default([])
    .describe(
      'Fields whose difference is no drift, with all below them; of a container `/spec/image` and `/spec/resources/limits`. What takes protection away is drift always',
    ),
});
export type Server = z.infer<typeof Server>;

/** What of a running instance is compared with what it was started with, field by field. */
const comparedFields = [
  '/spec/image',
  '/spec/resources/limits/cpu',
  '/spec/resources/limits/memory',
  '/spec/resources/limits/pids',
];

/**
 * What of a server is valid but not acted on yet by the runtimes there are, as names of fields of `spec`. What stands
 * here changes nothing; `unsupported` (reconciler) says what cannot even start.
 */
export function notActedOn(server: Server): (keyof Server)[] {
  const given: [field: keyof Server, is: boolean][] = [['ignoreFields', !server.ignoreFields.every(isCompared)]];
  return given.filter(([, is]) => is).map(([field]) => field);
}

function isCompared(pointer: string): boolean {
  return comparedFields.some(field => field === pointer || field.startsWith(`${pointer}/`));
}
