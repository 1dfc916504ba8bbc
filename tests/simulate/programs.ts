import type { Programs } from '../../reconciler/runtimes/index.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** A program that was started, with what it was given. */
export interface Started {
  server: string;
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
}

/** Milliseconds until a program of that kind ends by itself. */
const SHORT_LIFE_MS = 70_000;

/** What servers do. Who speaks with them is the network's business. */
export function simulatedPrograms(clock: VirtualClock, onStart: (started: Started) => void): Programs {
  return server => run => {
    onStart({ server, argv: run.argv, env: run.env });
    const [, behaviour] = run.argv;
    const endAfter = async (ms: number, code: number) => {
      await clock.sleep(ms, run.ended);
      run.exit(code);
    };
    if (behaviour === 'crash') void endAfter(30, 3);
    if (behaviour === 'mortal') void endAfter(SHORT_LIFE_MS, 1);
    if (behaviour !== 'stubborn') run.asked.addEventListener('abort', () => void endAfter(20, 0));
  };
}
