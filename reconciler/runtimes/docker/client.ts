import type Docker from 'dockerode';
import { ProblemError, problem } from '../../../schema/index.ts';

/** Loaded when it is first needed: most machines never speak with Docker. */
export async function connectDocker(env: NodeJS.ProcessEnv): Promise<Docker> {
  const host = env.DOCKER_HOST ?? 'unix:///var/run/docker.sock';
  const [, socketPath] = /^unix:\/\/(\/.+)$/.exec(host) ?? [];
  if (socketPath === undefined) {
    const hint = 'Only a daemon on this machine is spoken with: DOCKER_HOST=unix:///var/run/docker.sock';
    throw new ProblemError(problem('RUNTIME_UNREACHABLE', 'DOCKER_HOST is not a unix:// address', { hint }));
  }
  const { default: Client } = await import('dockerode');
  return new Client({ socketPath });
}

/** Docker's answer, when that is what went wrong; undefined for a daemon that gave none. */
export function dockerStatus(error: unknown): number | undefined {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}

/** Docker's own words. */
export function dockerWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const said = 'json' in error ? (error.json as { message?: unknown } | null)?.message : undefined;
  return (typeof said === 'string' ? said : error.message).replace(/^\(HTTP code \d+\) [^-]*- /, '').trim();
}

/** Whether nobody answered at the daemon's address. */
export function isUnreachable(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return (
    ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EACCES', 'EPIPE'].includes(code) && dockerStatus(error) === undefined
  );
}

/** What failed, as a Problem that is thrown: out of reach, or refused in Docker's own words. */
export function dockerProblem(error: unknown, what: string, resource?: string): ProblemError {
  if (error instanceof ProblemError) return error;
  const more = resource === undefined ? {} : { resource };
  if (isUnreachable(error)) {
    return new ProblemError(problem('RUNTIME_UNREACHABLE', `Docker does not answer: ${dockerWords(error)}`, more));
  }
  return new ProblemError(problem('RUNTIME_REFUSED', `${what}: ${dockerWords(error)}`, more), { cause: error });
}
