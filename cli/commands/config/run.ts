import { mcpctlHome } from '../../../host/index.ts';
import { closest, ProblemError, problem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { type Config, readConfig, removeToken, writeConfig } from '../../contexts.ts';
import { done } from '../../style.ts';
import { table } from '../../table.ts';

type Context = Pick<CliContext, 'io' | 'env'>;

/** List the contexts. @throws ProblemError CONFIG_INVALID */
export async function runContexts({
  io,
  env,
  output,
}: Context & { output: 'table' | 'json' | 'name' }): Promise<ExitCode> {
  const { contexts, 'current-context': current } = await readConfig(mcpctlHome(env));
  const rows = contexts.map(({ name, server, stateDir }) => ({
    name,
    current: name === current,
    ...(server !== undefined && { server }),
    ...(stateDir !== undefined && { stateDir }),
  }));
  if (output === 'json') io.stdout(`${JSON.stringify(rows, undefined, 2)}\n`);
  else if (output === 'name') io.stdout(rows.map(({ name }) => `${name}\n`).join(''));
  else if (rows.length === 0) done(io, 'there are no contexts: commands mean the only daemon on this machine');
  else {
    const cells = rows.map(row => [row.current ? '*' : '', row.name, row.server ?? row.stateDir ?? '']);
    io.stdout(table([['', 'NAME', 'GATEWAY'], ...cells]));
  }
  return ExitCodes.ok;
}

/** Make a context the current one. @throws ProblemError CONTEXT_UNKNOWN, CONFIG_INVALID */
export async function runUseContext({ io, env, name }: Context & { name: string }): Promise<ExitCode> {
  const home = mcpctlHome(env);
  const config = await readConfig(home);
  requireContext(config, name);
  await writeConfig(home, { ...config, 'current-context': name });
  done(io, `commands mean the context \`${name}\` now`);
  return ExitCodes.ok;
}

/** Forget a context and its token. @throws ProblemError CONTEXT_UNKNOWN, CONFIG_INVALID */
export async function runDeleteContext({ io, env, name }: Context & { name: string }): Promise<ExitCode> {
  const home = mcpctlHome(env);
  const config = await readConfig(home);
  requireContext(config, name);
  const { 'current-context': current, contexts } = config;
  const rest = contexts.filter(one => one.name !== name);
  await writeConfig(home, {
    ...(current !== undefined && current !== name && { 'current-context': current }),
    contexts: rest,
  });
  await removeToken(home, name);
  done(io, `the context \`${name}\` and its token are gone`);
  return ExitCodes.ok;
}

function requireContext({ contexts }: Config, name: string): void {
  const names = contexts.map(one => one.name);
  if (names.includes(name)) return;
  const meant = closest(name, names);
  const hint = meant === undefined ? {} : { hint: `Did you mean \`${meant}\`?` };
  throw new ProblemError(problem('CONTEXT_UNKNOWN', `there is no context \`${name}\``, hint));
}
