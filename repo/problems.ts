import type { RunResult } from '../host/index.ts';
import { type Problem, type ProblemCode, problem } from '../schema/index.ts';
import { lastWords } from './git.ts';
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
    pattern: /[Cc]ould not resolve (?:host|proxy)/,
    code: 'REMOTE_UNREACHABLE',
    message: 'has a host name that does not resolve',
  },
  {
    pattern: /SSL|certificate|gnutls/,
    code: 'REMOTE_UNREACHABLE',
    message: 'could not be trusted: its TLS certificate was refused',
    hint: 'Name your certificate authority in GIT_SSL_CAINFO.',
  },
  { pattern: /Operation too slow|[Tt]imed out/, code: 'REMOTE_TIMEOUT', message: 'did not answer in time' },
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
 */
export function remoteProblem(result: RunResult, remote: Remote, secrets: readonly string[]): Problem {
  const who = `The repository ${remote.display}`;
  if (result.spawnError) {
    return problem('GIT_MISSING', `git could not be run: ${result.spawnError.code ?? 'it did not start'}`);
  }
  if (result.aborted) return problem('REMOTE_UNREACHABLE', `${who} was not asked to the end: the fetch was stopped`);
  if (result.timedOut) return problem('REMOTE_TIMEOUT', `${who} did not answer in time`);
  const words = lastWords(result, secrets);
  const symptom = symptoms.find(({ pattern }) => pattern.test(result.stderr));
  if (!symptom) return problem('REMOTE_UNREACHABLE', `${who} could not be fetched: ${words}`);
  const { code, message, hint } = symptom;
  return problem(code, `${who} ${message} (${words})`, hint === undefined ? {} : { hint });
}
