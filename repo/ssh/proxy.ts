import { fileURLToPath } from 'node:url';
import { isLoopbackHost, redact } from '../../host/index.ts';
import { type Problem, problem } from '../../schema/index.ts';
import { shellQuote } from './command.ts';

export interface SshProxy {
  /** For ssh's `ProxyCommand`. */
  command: string;
  /** For its environment: the proxy's address may carry a password, which the process list must not show. */
  environment: Readonly<Record<string, string>>;
  secrets: readonly string[];
}

/**
 * The machine's proxy for ssh: ALL_PROXY, or else HTTPS_PROXY, asked to CONNECT; never for loopback nor for what
 * NO_PROXY names. Undefined when there is none.
 */
export function sshProxy(
  host: string,
  port: number,
  env: NodeJS.ProcessEnv,
): SshProxy | { problem: Problem } | undefined {
  const address = env.ALL_PROXY || env.all_proxy || env.HTTPS_PROXY || env.https_proxy;
  if (!address || isLoopbackHost(host.includes(':') ? `[${host}]` : host)) return undefined;
  if (isExcluded(host, port, env.NO_PROXY || env.no_proxy || '')) return undefined;
  const url = URL.parse(address.includes('://') ? address : `http://${address}`);
  if (!url || !/^https?:$/.test(url.protocol)) {
    const hint = 'Set ALL_PROXY to http://HOST:PORT, or name the host in NO_PROXY.';
    return { problem: problem('REMOTE_UNREACHABLE', `ssh cannot use the proxy ${redact(address, [])}`, { hint }) };
  }
  const program = fileURLToPath(new URL('./connect-main.ts', import.meta.url));
  return {
    command: `${[process.execPath, program].map(part => shellQuote(part).replaceAll('%', '%%')).join(' ')} %h %p`,
    environment: { MCPCTL_SSH_PROXY: url.href },
    secrets: url.password === '' ? [] : [url.password, decodeURIComponent(url.password)],
  };
}

/** NO_PROXY: names, each with everything below it, with or without a port; `*` is everything. */
function isExcluded(host: string, port: number, list: string): boolean {
  return list.split(/[\s,]+/).some(entry => {
    const [, name = '', only] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    if (entry === '*') return true;
    if (name === '' || (only !== undefined && Number(only) !== port)) return false;
    return host === name || host.endsWith(`.${name}`);
  });
}
