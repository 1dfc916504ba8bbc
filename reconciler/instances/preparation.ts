import { type Clock, within } from '../../host/index.ts';
import { asProblem, type Problem, problem } from '../../schema/index.ts';
import type { DesiredInstance } from '../plan.ts';
import { type Backoff, backoffDelay } from './backoff.ts';

/** Finds out whether what a spec needs (secrets, its package) is there, before anything is ended for it. */
export interface Preparation {
  readonly specDigest: string;
  readonly isReady: boolean;
  /** Why it was not there at the last try, and when it is tried again. */
  readonly trouble: { problem: Problem; attempt: number; nextRetryAt: number } | undefined;
  /** Do not wait for the next try. */
  retry(): void;
  cancel(): void;
}

interface PreparationContext {
  clock: Clock;
  /** Milliseconds until one try has failed. */
  launchTimeoutMs: number;
  backoff: Backoff;
  random(): number;
  prepare(desired: DesiredInstance, signal: AbortSignal): Promise<object | { problem: Problem }>;
}

/** Begin to find out, and try until it is so. @param onChange called after every try */
export function beginPreparation(
  desired: DesiredInstance,
  context: PreparationContext,
  onChange: () => void,
): Preparation {
  const over = new AbortController();
  const { signal } = over;
  let waiting = new AbortController();
  let isReady = false;
  let trouble: Preparation['trouble'];

  const { clock, launchTimeoutMs } = context;
  const late = () => {
    const message = `what ${desired.id} needs was not there within ${launchTimeoutMs} ms`;
    return { problem: problem('SERVER_START_TIMEOUT', message, { resource: `server/${desired.server}` }) };
  };

  async function run(): Promise<void> {
    for (let attempt = 1; !signal.aborted && !isReady; attempt++) {
      const found = await within(clock, launchTimeoutMs, context.prepare(desired, signal), late).catch(error => ({
        problem: asProblem(error),
      }));
      if (signal.aborted) return;
      if ('problem' in found) {
        const ms = backoffDelay(context.backoff, attempt, context.random());
        trouble = { problem: found.problem as Problem, attempt, nextRetryAt: clock.now() + ms };
        onChange();
        waiting = new AbortController();
        await clock.sleep(ms, AbortSignal.any([waiting.signal, signal]));
      } else {
        isReady = true;
        trouble = undefined;
        onChange();
      }
    }
  }

  void run();
  return {
    specDigest: desired.specDigest,
    get isReady() {
      return isReady;
    },
    get trouble() {
      return trouble;
    },
    retry: () => waiting.abort(),
    cancel: () => over.abort(),
  };
}
