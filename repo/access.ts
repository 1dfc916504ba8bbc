import { join } from 'node:path';
import { type Problem, problem } from '../schema/index.ts';
import { gitCertificates } from './certificates.ts';
import { type Credentials, findCredentials } from './credentials.ts';
import { traceVariables } from './http-answer.ts';
import { remoteProblem } from './problems.ts';
import { type DeployKeyFile, openDeployKey, sshAccess } from './ssh/index.ts';
import type { DeployKey, Remote } from './types.ts';

export interface AccessOptions {
  remote: Remote;
  env: NodeJS.ProcessEnv;
  /** Where `git-credentials` and the pinned host keys are; see `mcpctlHome`. */
  home: string;
  /** What this machine needs for this remote only: the deploy key, the certificate authorities. */
  dir: string;
  /** Fingerprints of the ssh host's keys, given by hand. */
  hostKeys: readonly string[];
}

/** How one remote is reached. */
export interface Access {
  readonly deployKey: DeployKey | undefined;
  /** What git is given for one exchange; asked anew for each, because files and pins change. */
  find(signal: AbortSignal | undefined): Promise<Credentials | { problem: Problem }>;
}

/** Throws a ProblemError: SSH_MISSING, REMOTE_AUTH, REMOTE_UNREACHABLE for a certificate file that cannot be read. */
export async function openAccess(options: AccessOptions): Promise<Access> {
  const { remote, env, home, dir } = options;
  if (remote.kind === 'ssh') return openSshAccess(options, await openDeployKey(dir, env));
  const extra =
    remote.kind === 'http' ? { ...traceVariables, ...(await gitCertificates(env, join(dir, 'authorities.pem'))) } : {};
  return {
    deployKey: undefined,
    async find() {
      const found = await findCredentials(remote, env, home);
      return 'problem' in found ? found : { ...found, extra: { ...found.extra, ...extra } };
    },
  };
}

function openSshAccess({ remote, env, home, hostKeys }: AccessOptions, key: DeployKeyFile): Access {
  if (remote.kind !== 'ssh') throw new TypeError('not an ssh remote');
  const knownHosts = join(home, 'ssh', 'known_hosts');
  return {
    deployKey: { line: key.line, made: key.made },
    async find(signal) {
      const explain = ({ stderr, timedOut }: { stderr: string; timedOut: boolean }) =>
        remoteProblem({ ...nothing, stderr, timedOut, aborted: signal?.aborted ?? false }, remote, []);
      const found = await sshAccess(remote, { key: key.path, knownHosts, hostKeys, env, signal, explain }).catch(
        (error: NodeJS.ErrnoException) => ({
          problem: problem('STATE_UNUSABLE', `The pinned host keys cannot be read or written: ${error.message}`),
        }),
      );
      if ('problem' in found) return found;
      const advice = `Add this as a read-only deploy key of the repository: ${key.line}`;
      return { config: [], extra: found.variables, secrets: found.secrets, advice };
    },
  };
}

const nothing = { code: 255, signal: null, stdout: Buffer.alloc(0), truncated: false } as const;
