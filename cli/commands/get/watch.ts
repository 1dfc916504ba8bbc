import { watch } from 'node:fs';
import { asProblem, ProblemError, problem } from '../../../schema/index.ts';

/** Editors write a file in several steps; what they do within this many milliseconds is one change. */
const QUIET_MS = 100;

/**
 * Call `react` once, and after every change below a folder, never twice at the same time, until the signal aborts.
 * @throws ProblemError READ_FAILED when the folder cannot be watched (or not any more); whatever `react` rejects with
 */
export function onChanges(root: string, signal: AbortSignal, react: () => Promise<unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve();
    let timer: NodeJS.Timeout | undefined;
    let running: Promise<unknown> = Promise.resolve();
    const watcher = watch(root, { recursive: true }, (_event, file) => {
      if (file !== null && /^\.git(?:[/\\]|$)/.test(file)) return;
      clearTimeout(timer);
      timer = setTimeout(again, QUIET_MS);
    });
    watcher.on('error', cause => {
      const message = `${root} cannot be watched: ${asProblem(cause).message}`;
      end(new ProblemError(problem('READ_FAILED', message), { cause }));
    });
    const stop = () => end(undefined);
    signal.addEventListener('abort', stop, { once: true });
    again();

    function again(): void {
      running = running.then(react).catch(end);
    }

    function end(fault: unknown): void {
      clearTimeout(timer);
      watcher.close();
      signal.removeEventListener('abort', stop);
      if (fault === undefined) resolve();
      else reject(fault);
    }
  });
}
