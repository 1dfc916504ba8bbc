import { delimiter, dirname } from 'node:path';
import { redact, run } from '../../host/index.ts';
import { type Problem, type ProblemCode, problem } from '../../schema/index.ts';

const NPM_TIMEOUT_MS = 5 * 60_000;
const MAX_QUOTED_LINES = 4;

/** Besides the proxies' names below, what npm and the Node that runs it may see of the daemon's environment. */
const PASSED = new Set(['HOME', 'TMPDIR', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR']);
const PROXY = /^(?:https?|no|all)_proxy$/i;
/** The settings a person gives npm by environment; what an outer `npm run` sets besides is about that run. */
const NPM_SETTING =
  /^npm_config_(?:registry|userconfig|globalconfig|cafile|ca|proxy|https[_-]proxy|noproxy|strict[_-]ssl|cache|prefer[_-]offline|offline)$/i;

/** Hold whatever the user's npmrc says: the lock decides what is installed, and nothing asks or reports. */
const ALWAYS = [
  '--package-lock=true',
  '--global=false',
  '--workspaces=false',
  '--audit=false',
  '--fund=false',
  '--update-notifier=false',
  '--progress=false',
  '--loglevel=error',
  '--logs-max=0',
];

/**
 * npm's environment: PATH (the Node that mcpctl runs on comes first), HOME for the user's npmrc, proxies, certificate
 * authorities and npm's own network settings. Nothing else: no secret, and nothing that an outer `npm run` set.
 */
export function npmEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const result: Record<string, string> = {
    PATH: [dirname(process.execPath), env.PATH ?? '/usr/local/bin:/usr/bin:/bin'].join(delimiter),
  };
  for (const [name, value] of Object.entries(env)) {
    const passed = PASSED.has(name) || PROXY.test(name) || NPM_SETTING.test(name);
    if (passed && value !== undefined) result[name] = value;
  }
  return result;
}

/**
 * Run npm in a folder.
 * @param what for messages: `installing x@1.0.0`
 * @returns undefined, or NPM_MISSING, or PACKAGE_INSTALL_FAILED with npm's own words
 */
export async function runNpm(
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; what: string; signal?: AbortSignal | undefined },
): Promise<Problem | undefined> {
  const { cwd, env, what, signal } = options;
  const result = await run(['npm', ...args, ...ALWAYS], {
    cwd,
    env: npmEnvironment(env),
    timeoutMs: NPM_TIMEOUT_MS,
    ...(signal && { signal }),
  });
  if (result.code === 0) return undefined;
  const failed = (reason: string, code: ProblemCode = 'PACKAGE_INSTALL_FAILED') => problem(code, `${what}: ${reason}`);
  if (result.spawnError?.code === 'ENOENT') return failed('npm is not on the PATH', 'NPM_MISSING');
  if (result.spawnError) return failed(`npm could not be started: ${result.spawnError.message}`);
  if (result.aborted) return failed('cancelled');
  if (result.timedOut) return failed(`npm took longer than ${NPM_TIMEOUT_MS / 60_000} minutes`);
  return failed(ownWords(result.stderr) || `npm ended with ${result.signal ?? `status ${result.code}`}`);
}

/** npm's error lines as far as they say what happened: the rest is advice, usage and the address of a log. */
function ownWords(stderr: string): string {
  const errors = stderr
    .split('\n')
    .flatMap(line => /^npm (?:error|ERR!) ?(?:code |\d{3} )?(.*)$/.exec(line)?.[1]?.trim() || [])
    .filter(line => !/^\d+$|^path |^command failed|complete log of this run|^Log files were not written/.test(line));
  return redact([...new Set(errors)].slice(0, MAX_QUOTED_LINES).join('; '), [], 600);
}
