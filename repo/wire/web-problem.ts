import { ProblemError, problem } from '../../schema/index.ts';
import { redirectTarget } from '../http-answer.ts';
import { Unsupported, WebAnswer } from './upload-pack.ts';

/** Why an exchange over HTTP failed, in the words that git’s own failures are told in. @param who for people */
export function webProblem(error: unknown, who: string, url: string, signal: AbortSignal): ProblemError {
  if (error instanceof ProblemError) return error;
  const { code = '', message, name } = error as NodeJS.ErrnoException;
  const because = (kind: Parameters<typeof problem>[0], words: string, hint?: string) =>
    new ProblemError(problem(kind, `${who} ${words}`, hint === undefined ? {} : { hint }), { cause: error });
  if (signal.aborted && signal.reason?.name !== 'TimeoutError') {
    return because('REMOTE_TIMEOUT', 'was not asked to the end');
  }
  if (error instanceof WebAnswer) return answerProblem(error, url, because);
  if (error instanceof Unsupported)
    return because('REMOTE_NOT_FOUND', `is no git repository that can be read: ${message}`);
  if (code === 'ETIMEDOUT' || name === 'TimeoutError' || name === 'AbortError') {
    return because('REMOTE_TIMEOUT', 'did not answer in time');
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return because('REMOTE_UNREACHABLE', 'has a host name that does not resolve');
  }
  if (/^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/.test(code)) {
    const hint = 'Name your certificate authority in GIT_SSL_CAINFO.';
    return because('REMOTE_UNREACHABLE', `could not be trusted: its TLS certificate was refused (${code})`, hint);
  }
  return because('REMOTE_UNREACHABLE', `could not be read: ${message || code}`);
}

function answerProblem(
  { status, location }: WebAnswer,
  url: string,
  because: (kind: Parameters<typeof problem>[0], words: string, hint?: string) => ProblemError,
): ProblemError {
  if (status === 401 || status === 403) {
    return because('REMOTE_AUTH', `refused the credentials, or wants some (HTTP ${status})`);
  }
  const target = redirectTarget({ status, headers: new Map([['location', location ?? '']]) }, url);
  if (target !== undefined) {
    const hint = 'Give that address, if it is the right one.';
    return because('REMOTE_UNREACHABLE', `redirects to ${target.slice(0, 400)}, which is not followed`, hint);
  }
  if (status === 404 || status === 410) {
    return because('REMOTE_NOT_FOUND', 'is not there, or is not visible with these credentials');
  }
  return because('REMOTE_UNREACHABLE', `answered with HTTP ${status}`);
}
