import { fstatSync, statSync } from 'node:fs';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { createProgram } from './program.ts';

/** One Ctrl-C arrives twice when both the terminal and a program in between (npx) pass it on. In milliseconds. */
const SAME_PRESS_MS = 500;

/** The only file that touches `process`: it hands the command line its streams and turns signals into an abort. */
const stopping = new AbortController();
let stoppingSince = 0;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // A second signal means: now.
    if (stopping.signal.aborted && performance.now() - stoppingSince > SAME_PRESS_MS) process.exit(130);
    stoppingSince ||= performance.now();
    stopping.abort();
  });
}
/**
 * Whether somebody reads there. Node's own stream is made when something is written: what it consists of takes as long to
 * load as all that is ours, and a command that is quiet needs none.
 */
function isTerminal(descriptor: number): boolean {
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isCharacterDevice() || stats.rdev === statSync(devNull).rdev) return false;
    return process.getBuiltinModule('node:tty').isatty(descriptor);
  } catch {
    return false;
  }
}

// A reader that went away (`| head`) is no fault of ours; neither a full disk below a log nor a closed terminal may
// end a daemon and every server with it.
const results = once(() =>
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    process.exitCode = 1;
    messages().write(`✗ what there is to say could not be written: ${error.message}\n`);
  }),
);
const messages = once(() => process.stderr.on('error', () => undefined));

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const isTTY = isTerminal(1);
const code = await createProgram({
  io: {
    stdout: text => void results().write(text),
    stderr: text => void messages().write(text),
    isTTY,
    colour: isTTY && isTerminal(2) && !process.env.NO_COLOR && process.env.TERM !== 'dumb',
  },
  env: process.env,
  cwd: process.cwd(),
  self: [process.execPath, join(import.meta.dirname, '..', 'cli', 'mcpctl.mjs')],
  stdin: () => process.stdin,
  signal: stopping.signal,
})(process.argv.slice(2));
process.exitCode ||= code;
