import type { RunningInstance } from '../runtimes/index.ts';

/** What an instance wrote, run by run; the oldest first. */
export interface LogPage {
  /** Give it back to get only what came later. */
  cursor: string;
  /** One start of the instance; `startedAt` is ISO 8601. Runs without new lines are left out. */
  runs: { startedAt: string; lines: string[] }[];
}

/** The part of a running instance that its logs come from. */
export type Logging = Pick<RunningInstance, 'startedAt' | 'logs' | 'linesWritten'>;

/** Keeps the newest lines of the present run and of the one before it, whose last words tell why it ended. */
export interface Logbook {
  begin(run: Logging): void;
  /** @param after an earlier page's cursor; anything else gives everything that is kept */
  page(after?: string): LogPage;
}

/** An empty one. */
export function createLogbook(): Logbook {
  let present: Logging | undefined;
  let past: Logging | undefined;
  return {
    begin(run) {
      past = present && frozen(present);
      present = run;
    },
    page(after = '') {
      const [, startedAt = '0', written = '0'] = /^(\d{1,16})-(\d{1,16})$/.exec(after) ?? [];
      const seen = { startedAt: Number(startedAt), written: Number(written) };
      const runs = [past, present].flatMap(run => {
        const lines = run ? unseen(run, seen) : [];
        return run && lines.length > 0 ? [{ startedAt: new Date(run.startedAt).toISOString(), lines }] : [];
      });
      return { cursor: present ? `${present.startedAt}-${present.linesWritten()}` : '0-0', runs };
    },
  };
}

function unseen(run: Logging, seen: { startedAt: number; written: number }): string[] {
  if (run.startedAt < seen.startedAt) return [];
  const lines = run.logs();
  if (run.startedAt > seen.startedAt) return lines;
  const fresh = Math.max(0, run.linesWritten() - seen.written);
  return fresh === 0 ? [] : lines.slice(-fresh);
}

/** Its lines without the process that they came from. */
function frozen({ startedAt, logs, linesWritten }: Logging): Logging {
  const lines = logs();
  const written = linesWritten();
  return { startedAt, logs: () => lines, linesWritten: () => written };
}
