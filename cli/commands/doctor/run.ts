import { mcpctlHome } from '../../../host/index.ts';
import { asProblem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { paint } from '../../style.ts';
import { clients } from './clients.ts';
import { type Check, type Finding, failed } from './finding.ts';
import { certificates, clock, port, proxies } from './network.ts';
import { daemons, state } from './own-files.ts';
import { bwrap, command, docker, git, identity, node, npm } from './programs.ts';

export interface DoctorOptions extends CliContext {
  port: number;
  remote?: string;
  output: 'table' | 'json';
}

const checks: readonly Check[] = [
  node,
  git,
  identity,
  npm,
  bwrap,
  docker,
  port,
  clock,
  proxies,
  certificates,
  state,
  daemons,
  command,
  clients,
];

/**
 * Look at this machine. stdout: a line for each finding, or JSON: `[{ check, level: ok|warning|failed, found, cure? }]`.
 * Exits 1 when one has failed.
 */
export async function runDoctor(options: DoctorOptions): Promise<ExitCode> {
  const { io, env, cwd, signal, self, port: number, remote, output } = options;
  const given = { ...(self && { self }), ...(remote !== undefined && { remote }) };
  const machine = { env, cwd, signal, home: mcpctlHome(env), port: number, ...given };
  const findings = (await Promise.all(checks.map(check => look(check, machine)))).flat();
  if (output === 'json') io.stdout(`${JSON.stringify(findings, undefined, 2)}\n`);
  else for (const finding of findings) io.stdout(line(io, finding));
  return findings.some(({ level }) => level === 'failed') ? ExitCodes.failed : ExitCodes.ok;
}

/** What cannot be looked at is a finding like others, and keeps nobody from the rest. */
async function look(check: Check, machine: Parameters<Check>[0]): Promise<Finding[]> {
  try {
    return await check(machine);
  } catch (error) {
    const { message, hint } = asProblem(error);
    return [failed(check.name, message, hint)];
  }
}

function line(io: CliContext['io'], { check, level, found, cure }: Finding): string {
  const sign = { ok: paint(io, 'green', '✔'), warning: paint(io, 'yellow', '!'), failed: paint(io, 'red', '✗') }[level];
  return `${sign} ${check.padEnd(12)}  ${found}${cure === undefined ? '' : ` → ${cure}`}\n`;
}
