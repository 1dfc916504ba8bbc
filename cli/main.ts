import { createProgram } from './program.ts';

/** The only file that touches `process`: it hands the command line its streams and turns signals into an abort. */
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // A second signal means: now. The runtime's process groups are found again at the next start.
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort();
  });
}
// A reader that went away (`| head`) is no fault of ours.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const isTTY = process.stdout.isTTY === true;
process.exitCode = await createProgram({
  io: {
    stdout: text => void process.stdout.write(text),
    stderr: text => void process.stderr.write(text),
    isTTY,
    colour: isTTY && process.stderr.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb',
  },
  env: process.env,
  cwd: process.cwd(),
  signal: stopping.signal,
})(process.argv.slice(2));
