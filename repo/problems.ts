import { type RunResult, redact } from '../host/index.ts';
import { type Problem, type ProblemCode, problem } from '../schema/index.ts';
import { gitMissing, lastWords } from './git.ts';
import { type HttpAnswer, redirectTarget } from './http-answer.ts';
import type { Remote } from './types.ts';

interface Symptom {
  /** Found in git's stderr, which is English because of `LC_ALL=C`. */
  pattern: RegExp;
  code: ProblemCode;
  message: string;
  hint?: string;
}

/** The first that matches decides. */
const symptoms: readonly Symptom[] = [
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|No \S+ host key is known/,
    code: 'HOST_KEY_CHANGED',
    message: 'is on a host that shows another key than the one pinned',
  },
  {
    pattern: /Permission denied|Too many authentication failures/,
    code: 'REMOTE_AUTH',
    message: 'does not accept this machine’s ssh key, or not for this repository',
  },
  {
    pattern: /^proxy: /m,
    code: 'REMOTE_UNREACHABLE',
    message: 'could not be reached through the proxy',
    hint: 'Check the proxy in ALL_PROXY or HTTPS_PROXY, or name the host in NO_PROXY.',
  },
  {
    pattern: /[Rr]epository not found/,
    code: 'REMOTE_NOT_FOUND',
    message: 'does not exist, or this machine’s key may not read it',
  },
  {
    pattern:
      /Authentication failed|could not read (?:Username|Password)|terminal prompts disabled|returned error: 40[13]/,
    code: 'REMOTE_AUTH',
    message: 'refused the credentials, or wants some',
  },
  {
    pattern: /returned error: 30\d|redirect/i,
    code: 'REMOTE_UNREACHABLE',
    message: 'redirects to another address, which is not followed',
    hint: 'Give the address it redirects to.',
  },
  {
    pattern: /dubious ownership/,
    code: 'REMOTE_UNREACHABLE',
    message: 'belongs to another user of this machine, and git refuses to serve it',
    hint: 'Run mcpctl as the folder’s owner, or follow the repository through `https://`.',
  },
  {
    pattern: /[Cc]ould not resolve (?:host|proxy)|Could not resolve hostname/,
    code: 'REMOTE_UNREACHABLE',
    message: 'has a host name that does not resolve',
  },
  {
    pattern: /SSL|certificate|gnutls/,
    code: 'REMOTE_UNREACHABLE',
    message: 'could not be trusted: its TLS certificate was refused',
    hint: 'Name your certificate authority in GIT_SSL_CAINFO.',
  },
  {
    pattern: /Operation too slow|[Tt]imed out|not responding/,
    code: 'REMOTE_TIMEOUT',
    message: 'did not answer in time',
  },
  {
    pattern:
      /returned error: 404|does not appear to be a git repository|repository '.*' not found|not valid: is this a git repository/,
    code: 'REMOTE_NOT_FOUND',
    message: 'is not a git repository, or is not visible with these credentials',
  },
  {
    pattern: /No space left on device|Disk quota exceeded|Read-only file system/,
    code: 'STATE_UNUSABLE',
    message: 'could not be taken over: the state directory cannot be written to',
    hint: 'Check its disk space and rights; the next poll tries again.',
  },
  {
    pattern: /fsck error|error: object [0-9a-f]+: [a-zA-Z]+: /,
    code: 'REMOTE_UNREACHABLE',
    message: 'has a malformed object',
    hint: 'Find it with `git fsck` in the repository; it must leave the branch’s history, a commit on top does not do.',
  },
  {
    pattern: /trying to write non-commit object/,
    code: 'REF_INVALID',
    message: 'has something other than a commit at the ref followed',
  },
];

/**
 * Why a git command that spoke with a remote failed, as a problem with git's own words, redacted.
 * @param secrets values that must not appear
 * @param answer what a web server answered last
 */
export function remoteProblem(
  result: RunResult,
  remote: Remote,
  secrets: readonly string[],
  answer?: HttpAnswer,
): Problem {
  const who = `The repository ${remote.display}`;
  if (result.spawnError) return gitMissing(result.spawnError);
  if (result.aborted) return problem('REMOTE_UNREACHABLE', `${who} was not asked to the end: the fetch was stopped`);
  if (result.timedOut) return problem('REMOTE_TIMEOUT', `${who} did not answer in time`);
  const target = remote.kind === 'http' ? redirectTarget(answer, remote.url) : undefined;
  if (target !== undefined) {
    const message = `${who} redirects to ${redact(target, secrets, 400)}, which is not followed`;
    return problem('REMOTE_UNREACHABLE', message, { hint: 'Give that address, if it is the right one.' });
  }
  const words = lastWords(result, secrets);
  const symptom = symptoms.find(({ pattern }) => pattern.test(result.stderr));
  if (!symptom) return problem('REMOTE_UNREACHABLE', `${who} could not be fetched: ${words}`);
  const { code, message, hint } = symptom;
  return problem(code, `${who} ${message} (${words})`, hint === undefined ? {} : { hint });
}
