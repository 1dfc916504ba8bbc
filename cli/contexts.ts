import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ensurePrivateDir, mcpctlHome, readPrivateFile, UnsafeFileError, writeAtomic } from '../host/index.ts';
import { decodeSource, editYaml, type Problem, ProblemError, parseYaml, printYaml, problem } from '../schema/index.ts';
import type { CliContext } from './context.ts';
import { askDaemon, type Daemon, findDaemon } from './daemon.ts';

const ContextName = z
  .string()
  .max(63)
  .regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/, 'not a context name: lower-case letters, digits, `.` and `-`');

/** One gateway that commands may mean: by address, with its token in a file of its own, or by a state directory. */
const Context = z.strictObject({
  name: ContextName,
  server: z.string().optional(),
  stateDir: z.string().optional(),
});
export type Context = z.infer<typeof Context>;

const Config = z.strictObject({
  'current-context': ContextName.optional(),
  contexts: z.array(Context).default([]),
});
export type Config = z.infer<typeof Config>;

/** A gateway, and the right to speak with it. */
export interface Gateway {
  url: string;
  token: string;
  /** Where it was found, for messages: a state directory, or `context NAME`. */
  name: string;
}

/** How a command line names a gateway; nothing of it needs to be given. */
export interface GatewayOptions {
  /** What a daemon on this machine follows, with its branch (`main`) and folder. */
  repository?: string;
  ref?: string;
  path?: string;
  environment?: string;
  /** Its address. */
  server?: string;
  context?: string;
  stateDir?: string;
}

const MAX_TOKEN_BYTES = 4096;

/** The configuration of this user; empty when there is none. @throws ProblemError CONFIG_INVALID */
export async function readConfig(home: string): Promise<Config> {
  const file = configFile(home);
  const bytes = await readFile(file).catch(error => {
    if (error.code === 'ENOENT') return Buffer.from('{}');
    throw error;
  });
  const source = decodeSource(file, bytes);
  if ('code' in source) throw new ProblemError(invalid(file, source));
  const yaml = parseYaml(source);
  if ('problems' in yaml) throw new ProblemError(invalid(file, yaml.problems[0]));
  const parsed = Config.safeParse(yaml.document.value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const message = `${issue?.path.join('.')}: ${issue?.message}`;
  throw new ProblemError(problem('CONFIG_INVALID', message, { at: { file } }));
}

/** Write the configuration, keeping comments and order of what is there. */
export async function writeConfig(home: string, config: Config): Promise<void> {
  await ensurePrivateDir(home);
  const file = configFile(home);
  const text = await readFile(file, 'utf8').catch(() => '');
  const { 'current-context': current, contexts } = config;
  const members: [string, unknown][] = [
    ...(current === undefined ? [] : [['current-context', current] as [string, unknown]]),
    ['contexts', contexts],
  ];
  // In the order in which they stand there.
  const place = ([key]: [string, unknown]) => text.search(new RegExp(`^${key}:`, 'm')) >>> 0;
  const value = Object.fromEntries(members.sort((a, b) => place(a) - place(b)));
  await writeAtomic(file, text.trim() === '' ? printYaml(value) : editYaml(text, value), { mode: 0o600 });
}

/** Keep a context's token, readable by its owner only. */
export async function writeToken(home: string, name: string, token: string): Promise<void> {
  await ensurePrivateDir(home);
  await ensurePrivateDir(join(home, 'tokens'));
  await writeAtomic(tokenFile(home, name), `${token}\n`, { mode: 0o600 });
}

export async function removeToken(home: string, name: string): Promise<void> {
  await rm(tokenFile(home, name), { force: true });
}

/**
 * The gateway that a command means: of the daemon here that follows a repository, else `--server` (with
 * `$MCPCTL_TOKEN`, or the token of the context that has this address), else `--context`, else `--state-dir`, else `$MCPCTL_CONTEXT`, else the current context, else the only
 * daemon on this machine. Addresses and tokens are read anew each time, since a daemon may be started again.
 * @throws ProblemError USAGE, CONTEXT_UNKNOWN, CONFIG_INVALID, DAEMON_NOT_RUNNING, STATE_UNUSABLE
 */
export async function findGateway(context: Pick<CliContext, 'env' | 'cwd'>, options: GatewayOptions): Promise<Gateway> {
  const { env } = context;
  const home = mcpctlHome(env);
  const { repository, ref = 'main', path = '', environment } = options;
  if (repository !== undefined) {
    const followed = { ref, path, ...(environment !== undefined && { environment }) };
    return asGateway(await findDaemon(context, { repository, ...followed }));
  }
  if (options.server !== undefined) return byAddress(home, serverUrl(options.server), env.MCPCTL_TOKEN);
  if (options.context !== undefined) return byContext(context, home, options.context);
  if (options.stateDir !== undefined) return byStateDir(context, options.stateDir);
  const { 'current-context': current } = await readConfig(home);
  const named = env.MCPCTL_CONTEXT || current;
  if (named !== undefined) return byContext(context, home, named);
  return byStateDir(context, undefined);
}

/**
 * Ask a gateway. @returns the JSON body of a 2xx answer
 * @throws ProblemError DAEMON_NOT_RUNNING when nobody answers, DAEMON_REFUSED for any other status
 */
export function askGateway({ url, token, name }: Gateway, method: 'GET' | 'POST', path: string): Promise<unknown> {
  return askDaemon({ url, token, stateDir: name }, method, path);
}

/**
 * A gateway's address in its one form: http or https, nothing after the path, no slash at the end.
 * @throws ProblemError USAGE
 */
export function serverUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) throw usage('the server has to be an http:// or https:// address');
  if (url.username !== '' || url.password !== '') throw usage('the server’s address must not hold a user or password');
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

async function byAddress(home: string, url: string, given: string | undefined): Promise<Gateway> {
  if (given) return { url, token: given, name: url };
  const { contexts } = await readConfig(home);
  const known = contexts.find(({ server }) => server === url);
  if (known) return { url, token: await readToken(home, known.name), name: `context ${known.name}` };
  const hint = `Run \`mcpctl login --server ${url}\`, or set MCPCTL_TOKEN.`;
  throw new ProblemError(problem('CONTEXT_UNKNOWN', `there is no token for ${url}`, { hint }));
}

async function byContext(context: Pick<CliContext, 'env' | 'cwd'>, home: string, name: string): Promise<Gateway> {
  const { contexts } = await readConfig(home);
  const found = contexts.find(one => one.name === name);
  if (found?.server !== undefined) {
    // Its own token, whatever the environment has: that may be another gateway's.
    return { url: found.server, token: await readToken(home, name), name: `context ${name}` };
  }
  if (found?.stateDir !== undefined) return byStateDir(context, found.stateDir);
  throw new ProblemError(problem('CONTEXT_UNKNOWN', `there is no context \`${name}\``));
}

async function byStateDir(context: Pick<CliContext, 'env' | 'cwd'>, stateDir: string | undefined): Promise<Gateway> {
  return asGateway(await findDaemon(context, { ...(stateDir !== undefined && { stateDir }), ref: '', path: '' }));
}

function asGateway({ url, token, stateDir }: Daemon): Gateway {
  return { url, token, name: stateDir };
}

async function readToken(home: string, name: string): Promise<string> {
  const file = tokenFile(home, name);
  try {
    const token = (await readPrivateFile(file, MAX_TOKEN_BYTES)).toString('utf8').trim();
    if (token !== '') return token;
  } catch (cause) {
    if (!(cause instanceof UnsafeFileError)) {
      throw new ProblemError(problem('CONTEXT_UNKNOWN', `the context \`${name}\` has no token`), { cause });
    }
    const hint = `Run \`chmod 600 ${file}\` after a look at who may have read it, or \`mcpctl login\` with a new token.`;
    throw new ProblemError(problem('CONFIG_INVALID', cause.message, { hint }), { cause });
  }
  throw new ProblemError(problem('CONTEXT_UNKNOWN', `the context \`${name}\` has no token`));
}

function configFile(home: string): string {
  return join(home, 'config.yaml');
}

function tokenFile(home: string, name: string): string {
  return join(home, 'tokens', ContextName.parse(name));
}

function invalid(file: string, why: Problem | undefined): Problem {
  return problem('CONFIG_INVALID', why?.message ?? 'it cannot be read', { at: why?.at ?? { file } });
}

function usage(message: string): ProblemError {
  return new ProblemError(problem('USAGE', message, { hint: 'For example `--server https://mcp.example.com`.' }));
}
