import type { Readable } from 'node:stream';
import { isLoopbackHost, mcpctlHome } from '../../../host/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { askGateway, readConfig, serverUrl, writeConfig, writeToken } from '../../contexts.ts';
import { done, paint } from '../../style.ts';

export interface LoginOptions extends Omit<CliContext, 'finish'> {
  server: string;
  /** `-` reads stdin. */
  token?: string;
  name?: string;
  /** Ask the gateway; true unless given. */
  check?: boolean;
}

const MAX_TOKEN = 4096;

/**
 * Keep a gateway and its token as the current context.
 * @throws ProblemError USAGE; DAEMON_REFUSED when the token is wrong, DAEMON_NOT_RUNNING when nobody answers; CONFIG_INVALID
 */
export async function runLogin(options: LoginOptions): Promise<ExitCode> {
  const { io, env, check = true } = options;
  const server = serverUrl(options.server);
  const { protocol, hostname, host } = new URL(server);
  const name = options.name ?? contextName(host);
  if (name.length > 63 || !/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(name)) {
    throw usage(`\`${name}\` cannot name a context: lower-case letters, digits, \`.\` and \`-\``);
  }
  const token = await readToken(options);
  if (protocol === 'http:' && !isLoopbackHost(hostname)) {
    io.stderr(`${paint(io, 'yellow', '!')} the token goes over the network in clear; use https://\n`);
  }
  if (check) await askGateway({ url: server, token, name: server }, 'GET', '/api/v1/status');
  const home = mcpctlHome(env);
  const config = await readConfig(home);
  const contexts = config.contexts.filter(one => one.name !== name);
  await writeToken(home, name, token);
  await writeConfig(home, { ...config, 'current-context': name, contexts: [...contexts, { name, server }] });
  done(io, `logged in to ${server}; the context \`${name}\` is the current one`);
  return ExitCodes.ok;
}

/** @throws ProblemError USAGE */
async function readToken({ token, env, stdin, io }: LoginOptions): Promise<string> {
  const given = token === '-' ? undefined : (token ?? env.MCPCTL_TOKEN);
  if (given === undefined && io.isTTY && stdin) io.stderr('Token: ');
  const text = (given ?? (stdin ? await readAll(stdin()) : '')).trim();
  if (text === '') throw usage('there is no token');
  // What a header can carry; anything else was not meant.
  if (text.length > MAX_TOKEN || !/^[\x21-\x7e]+$/.test(text)) throw usage('that is no token: it has to be one word');
  return text;
}

async function readAll(input: Readable): Promise<string> {
  let text = '';
  for await (const chunk of input) {
    text += chunk;
    // A person ends the line, not the input.
    if (text.includes('\n') || text.length > MAX_TOKEN + 2) break;
  }
  return text;
}

function contextName(host: string): string {
  return host
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '');
}

function usage(message: string): ProblemError {
  const hint = 'Give it with `--token -` on stdin, or in $MCPCTL_TOKEN; `mcpctl up` shows it when it first starts.';
  return new ProblemError(problem('USAGE', message, { hint }));
}
