import { z } from 'zod';
import type { Problem } from '../../schema/index.ts';
import { type ImportedServer, literal, type NamedText, type Parsed, type Piece, type Text } from './imported.ts';
import { readJsonObject } from './json-file.ts';
import { notImported, type ParseOptions } from './parse-json.ts';

const Input = z.looseObject({
  value: z.string().optional(),
  default: z.string().optional(),
  isSecret: z.boolean().default(false),
  isRequired: z.boolean().default(false),
});
const WithVariables = Input.extend({ variables: z.record(z.string(), Input).default({}) });
type WithVariables = z.infer<typeof WithVariables>;
const KeyValue = WithVariables.extend({ name: z.string().min(1) });
const Argument = WithVariables.extend({
  type: z.enum(['positional', 'named']),
  name: z.string().optional(),
  valueHint: z.string().optional(),
});
type Argument = z.infer<typeof Argument>;

const Transport = z.looseObject({
  type: z.string(),
  url: z.string().optional(),
  headers: z.array(KeyValue).default([]),
});
const Package = z.looseObject({
  registryType: z.string(),
  identifier: z.string().min(1),
  version: z.string().optional(),
  transport: Transport.default({ type: 'stdio', headers: [] }),
  runtimeArguments: z.array(Argument).default([]),
  packageArguments: z.array(Argument).default([]),
  environmentVariables: z.array(KeyValue).default([]),
});
type Package = z.infer<typeof Package>;
const Remote = Transport.extend({ url: z.string(), variables: z.record(z.string(), Input).default({}) });
type Remote = z.infer<typeof Remote>;
const ServerJson = z.looseObject({
  name: z.string().min(1),
  description: z.string().optional(),
  packages: z.array(Package).default([]),
  remotes: z.array(Remote).default([]),
});

/**
 * The MCP registry's `server.json` (schema 2025-12-11): one server, in the first of the ways it is offered that can be
 * declared (npm, then PyPI, then a remote address, then an image).
 */
export function parseRegistry(text: string, { file }: ParseOptions): Parsed {
  const document = readJsonObject(text, file);
  if ('problem' in document) return { servers: [], problems: [document.problem as Problem] };
  const parsed = ServerJson.safeParse(document);
  if (!parsed.success) {
    const path = parsed.error.issues[0]?.path.join('.') ?? '';
    return { servers: [], problems: [notImported(file, `\`${path}\` is not as the registry’s schema has it`, file)] };
  }
  const { name, description, packages, remotes } = parsed.data;
  const common = { name: name.split('/').at(-1) ?? name, ...(description !== undefined && { description }) };
  const chosen = choose(packages, remotes);
  if (!chosen) {
    const offered = packages.map(({ registryType }) => registryType).join(', ');
    const why = offered === '' ? 'it names no package and no address' : `there is no runner for ${offered}`;
    return { servers: [], problems: [notImported(common.name, why, file)] };
  }
  return { servers: [{ ...common, disabled: false, ...chosen }], problems: [] };
}

type Rest = Pick<ImportedServer, 'start' | 'env' | 'headers' | 'left'>;

function choose(packages: readonly Package[], remotes: readonly Remote[]): Rest | undefined {
  const local = (registry: string) => packages.find(({ registryType }) => registryType === registry);
  const remote = remotes.find(({ type }) => type === 'streamable-http') ?? remotes.find(({ type }) => type === 'sse');
  const runnable = local('npm') ?? local('pypi');
  if (runnable) return fromPackage(runnable);
  if (remote) return fromRemote(remote);
  const image = local('oci');
  return image && fromPackage(image);
}

function fromPackage(offered: Package): Rest {
  const { registryType, identifier, version, transport, runtimeArguments, packageArguments } = offered;
  const left: string[] = [];
  if (runtimeArguments.length > 0) left.push('`runtimeArguments` are not carried over: mcpctl starts packages itself');
  if (transport.type !== 'stdio') {
    left.push(`it serves ${transport.type}, not stdio: set \`transport\`, and \`port\` and \`path\` where it listens`);
  }
  const args = packageArguments.flatMap(argument => argumentTexts(argument, left));
  const env = offered.environmentVariables.flatMap(input => keyValue(input, left));
  const image =
    /[:@]/.test(identifier.slice(identifier.lastIndexOf('/'))) || version === undefined
      ? identifier
      : `${identifier}:${version}`;
  const start: ImportedServer['start'] =
    registryType === 'oci'
      ? { kind: 'image', image, args }
      : { kind: 'package', registry: registryType, identifier, version: version ?? '', args };
  return { start, env, headers: [], left };
}

function fromRemote({ type, url, headers, variables }: Remote): Rest {
  const left: string[] = [];
  const start: ImportedServer['start'] = {
    kind: 'url',
    transport: type === 'sse' ? 'sse' : 'streamable-http',
    url: template(url, variables, false),
  };
  return { start, env: [], headers: headers.flatMap(input => keyValue(input, left)), left };
}

/** A named argument is its flag and its value, each an argument of its own unless the flag ends in `=`. */
function argumentTexts(argument: Argument, left: string[]): Text[] {
  const label = argument.name ?? argument.valueHint ?? 'an argument';
  const value = inputText(argument, label);
  if (argument.type === 'positional') {
    if (!value && argument.isRequired)
      left.push(`the argument \`${label}\` is required and has no value: add it to \`args\``);
    return value ? [value] : [];
  }
  const flag = literal(label);
  if (!value) return argument.isRequired ? [flag] : [];
  return label.endsWith('=') ? [[...flag, ...value]] : [flag, value];
}

function keyValue(input: z.infer<typeof KeyValue>, left: string[]): NamedText[] {
  const { name } = input;
  const value = inputText(input, name);
  if (value) return [{ name, value }];
  if (input.isSecret || input.isRequired) {
    return [{ name, value: [{ kind: 'variable', name, ...(input.isSecret && { secret: true }) }] }];
  }
  left.push(`\`${name}\` is optional and not set`);
  return [];
}

/** The fixed value with its variables, or the default; undefined when there is neither. */
function inputText(input: WithVariables, label: string): Text | undefined {
  if (input.value !== undefined) return template(input.value, input.variables, input.isSecret);
  if (input.isSecret) return [{ kind: 'variable', name: label, secret: true }];
  return input.default === undefined ? undefined : literal(input.default);
}

/** `{name}` stands for a variable that is declared; other braces are text. */
function template(text: string, variables: Record<string, z.infer<typeof Input>>, isSecret: boolean): Text {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(/\{([^{}]+)\}/g)) {
    const variable = variables[match[1] ?? ''];
    if (!variable) continue;
    pieces.push(...literal(text.slice(end, match.index)));
    const fallback = variable.value ?? variable.default;
    pieces.push({
      kind: 'variable',
      name: match[1] ?? '',
      ...(fallback !== undefined && { fallback }),
      ...((variable.isSecret || isSecret) && { secret: true }),
    });
    end = match.index + match[0].length;
  }
  return [...pieces, ...literal(text.slice(end))];
}
