import { type Problem, problem } from '../schema/index.ts';
import { type HttpAnswer, limitedUntil } from './http-answer.ts';

/** Remembers until when a remote wants to be left alone. */
export interface RateLimit {
  /** REMOTE_RATE_LIMITED as long as it is not time yet. */
  problem(): Problem | undefined;
  /** Take note of an answer. @returns the same problem when it asks for patience */
  learn(answer: HttpAnswer | undefined): Problem | undefined;
}

export function createRateLimit(display: string): RateLimit {
  /** On the clock that nobody sets, so that a jump of the time neither prolongs nor ends the wait. */
  let until = 0;
  let found: Problem | undefined;
  return {
    problem: () => (performance.now() < until ? found : undefined),
    learn(answer) {
      const now = Date.now();
      const time = answer && limitedUntil(answer, now);
      if (answer === undefined || time === undefined) return undefined;
      until = performance.now() + (time - now);
      const when = new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
      const message = `The repository ${display} limits requests (HTTP ${answer.status}); it is asked again after ${when}`;
      found = problem('REMOTE_RATE_LIMITED', message);
      return found;
    },
  };
}
