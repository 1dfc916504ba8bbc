// `npm run test:simulate -- [--seed N] [--runs M]`: many histories of a daemon's world, each from a seed of its own. What
// must never happen is looked for after every event; what did is told with the way to see it again.
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { explain } from './explain.ts';
import type { Told } from './worker.ts';

const usage = `usage: npm run test:simulate -- [--seed N] [--runs M] [--actions K] [--mutant NAME] [--trace]
  --seed N      the first seed; any unless given
  --runs M      how many seeds from there; 1 unless given
  --actions K   only the first K things that go wrong
  --mutant NAME with a part that is broken on purpose, see tests/simulate/mutants.ts
  --trace       print everything that happens`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000_000)) },
    runs: { type: 'string', default: '1' },
    actions: { type: 'string' },
    mutant: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});
const numbers = [values.seed, values.runs, values.actions ?? '0'];
if (numbers.some(text => !/^\d{1,9}$/.test(text))) {
  console.error(usage);
  process.exit(2);
}
const [first = 0, runs = 1] = numbers.map(Number);
const workers = Math.max(1, Math.min(runs, availableParallelism()));
const began = performance.now();
const tell = { seeds: 0, events: 0, slowest: 0 };
const failures: number[] = [];
const children = new Set<ChildProcess>();

await Promise.all(Array.from({ length: workers }, (_, index) => work(index)));

for (const seed of failures.slice(0, 1)) await explain(seed, values);
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(
  `${tell.seeds} runs from seed ${first}, ${tell.events} events, slowest to converge ${(tell.slowest / 1000).toFixed(0)} virtual s; ${seconds} s`,
);
console.log(`${tell.seeds - failures.length} runs kept every promise, ${failures.length} did not`);
process.exitCode = failures.length > 0 ? 1 : 0;

/** Every so manieth seed, in a process of its own, until one fails. */
function work(index: number): Promise<void> {
  const child = fork(new URL('./worker.ts', import.meta.url), {
    env: { ...process.env, MCPCTL_SIMULATED: JSON.stringify({ ...values, first, runs, index, workers }) },
  });
  children.add(child);
  child.on('message', (outcome: Told) => {
    tell.seeds += 1;
    tell.events += outcome.events;
    tell.slowest = Math.max(tell.slowest, outcome.convergedMs);
    if (outcome.violation) failures.push(outcome.seed);
    // One failure is enough to look at.
    if (outcome.violation) for (const other of children) other.kill();
    if (values.trace) console.log(outcome.trace.join('\n'));
  });
  return new Promise((resolve, reject) => {
    child.on('exit', code =>
      code === 0 || failures.length > 0 ? resolve() : reject(new Error(`a simulation ended with ${code}`)),
    );
  });
}
