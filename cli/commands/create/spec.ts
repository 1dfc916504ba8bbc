import { type Kind, ProblemError, problem } from '../../../schema/index.ts';
import type { CreateFlags } from './flags.ts';

type Fields = Record<string, unknown>;

/**
 * The spec that a kind's flags come to, without `--set`. What is wrong in it, its file's check says.
 * @param argv what stood after `--`
 * @throws ProblemError USAGE for a flag that cannot be understood
 */
export function specFromFlags(kind: Kind, flags: CreateFlags, argv: readonly string[]): Fields {
  return given(makers[kind]?.(flags, argv) ?? {});
}

/** `key=value` pairs as a mapping. @throws ProblemError USAGE */
export function pairs(flag: string, values: readonly string[] | undefined): Record<string, string> | undefined {
  return values && Object.fromEntries(values.map(value => pair(flag, value)));
}

const makers: Partial<Record<Kind, (flags: CreateFlags, argv: readonly string[]) => Fields>> = {
  Server: serverSpec,
  Prompt: ({ title, arg, priority, tag, link }) => ({
    title,
    arguments: arg?.map(promptArgument),
    priority: whole('--priority', priority),
    tags: tag,
    link,
  }),
  Personality: ({ title, priority, tag }) => ({ title, priority: whole('--priority', priority), tags: tag }),
  Project: ({ server, prompt, skill, instructions, gated }) => ({
    servers: server,
    prompts: prompt,
    skills: skill,
    instructions,
    gated,
  }),
  Secret: secretSpec,
};

function serverSpec(flags: CreateFlags, argv: readonly string[]): Fields {
  const { transport, url, image, arg, port, replicas } = flags;
  return {
    transport: transport ?? (url === undefined ? 'stdio' : 'streamable-http'),
    package: flags.package === undefined ? undefined : packageOf(flags.package),
    command: argv.length > 0 ? argv : undefined,
    image,
    url,
    args: arg,
    env: named('--env', flags.env, '--env-from-secret', flags.envFromSecret),
    headers: named('--header', flags.header, '--header-from-secret', flags.headerFromSecret),
    port: whole('--port', port),
    replicas: whole('--replicas', replicas),
  };
}

/** `NAME@VERSION`, `pypi:NAME@VERSION`. */
function packageOf(text: string): Fields {
  const [, registry = 'npm', identifier, version] = /^(?:(npm|pypi):)?(@?[^@]+)@([^@]+)$/.exec(text) ?? [];
  if (identifier !== undefined && version !== undefined) return { registry, identifier, version };
  throw usage(`\`--package ${text}\` is not NAME@VERSION`, 'Name one exact version: `--package @scope/name@1.2.3`.');
}

function named(
  flag: string,
  values: readonly string[] | undefined,
  secretFlag: string,
  secrets: readonly string[] | undefined,
): Fields[] | undefined {
  if (!values && !secrets) return undefined;
  const literal = (values ?? []).map(text => {
    const [name, value] = pair(flag, text);
    return { name, value };
  });
  const referred = (secrets ?? []).map(text => {
    const [name, target] = pair(secretFlag, text);
    const [, secret, key] = /^([^/]+)\/(.+)$/.exec(target) ?? [];
    if (secret === undefined)
      throw usage(`\`${secretFlag} ${text}\` names no key`, `Write \`${secretFlag} NAME=SECRET/KEY\`.`);
    return { name, valueFrom: { secretRef: { name: secret, key } } };
  });
  return [...literal, ...referred];
}

/** `name`, `name:required`, `name=description`, `name:required=description`. */
function promptArgument(text: string): Fields {
  const [, name = '', required, description] = /^([^:=]*)(:required)?(?:=(.*))?$/s.exec(text) ?? [];
  if (name === '')
    throw usage(`\`--arg ${text}\` is not an argument`, 'Write `--arg name`, `--arg name:required=What it is`.');
  return given({ name, description, required: required === undefined ? undefined : true });
}

function secretSpec({ fromEnv, fromFile, generate }: CreateFlags): Fields {
  const data: Fields = {};
  const add = (key: string, source: Fields) => {
    if (Object.hasOwn(data, key)) throw usage(`the key \`${key}\` is given twice`, 'Give each key one source.');
    data[key] = source;
  };
  for (const [key, env] of (fromEnv ?? []).map(text => pair('--from-env', text))) add(key, { env });
  for (const [key, file] of (fromFile ?? []).map(text => pair('--from-file', text))) add(key, { file });
  for (const text of generate ?? []) {
    const [key = '', bytes] = text.split('=');
    add(key, { generate: given({ bytes: whole('--generate', bytes) }) });
  }
  return { data };
}

function pair(flag: string, text: string): [key: string, value: string] {
  const at = text.indexOf('=');
  if (at < 1) throw usage(`\`${flag}\` needs KEY=VALUE`, `Write \`${flag} KEY=VALUE\`.`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function whole(flag: string, text: string | undefined): number | undefined {
  if (text === undefined || /^-?[0-9]{1,15}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw usage(`\`${flag} ${text}\`: a whole number is expected`, 'Correct the number.');
}

function given(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function usage(message: string, hint: string): ProblemError {
  return new ProblemError(problem('USAGE', message, { hint }));
}
