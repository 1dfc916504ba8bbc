// How fast the main job is. Run by `npm run bench`; `-- --help` tells the options. docs/performance.md explains the figures.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { table } from '../../cli/table.ts';
import { benchCall } from './call.ts';
import { benchCommandLine } from './command-line.ts';
import { comparison, type Figure, figureRows, isMet } from './figures.ts';
import { benchKubernetes } from './kubernetes.ts';
import { benchLarge } from './large.ts';
import { benchLoad } from './load.ts';
import { benchPoll } from './poll.ts';
import { benchPush } from './push.ts';
import { benchReview } from './review.ts';
import { benchRevisions } from './revisions.ts';
import { endAll, installMemory } from './scene.ts';
import { benchSkills } from './skills.ts';
import { benchStart } from './start.ts';
import { benchTrouble } from './trouble.ts';
import { benchTrust } from './trust.ts';

const benches: Record<string, () => Promise<Figure[]>> = {
  push: benchPush,
  poll: benchPoll,
  load: benchLoad,
  large: benchLarge,
  call: benchCall,
  trouble: benchTrouble,
  start: benchStart,
  'command-line': benchCommandLine,
  review: benchReview,
  revisions: benchRevisions,
  skills: benchSkills,
  trust: benchTrust,
  kubernetes: benchKubernetes,
};

const usage = `Usage: npm run bench -- [NAME]… [--only NAME]… [--out FILE] [--verbose] [--strict]
  NAME          one of: ${Object.keys(benches).join(', ')}
  --out FILE    where the JSON goes (default: bench-results.json)
  --verbose     tell what each figure consists of
  --strict      exit 1 when a target is missed`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', multiple: true },
    out: { type: 'string', default: 'bench-results.json' },
    verbose: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const named = [...positionals, ...(options.only ?? [])];
const chosen = named.length > 0 ? named : Object.keys(benches);
const unknown = chosen.filter(name => !Object.hasOwn(benches, name));
if (options.help || unknown.length > 0) {
  console.log(usage);
  process.exit(unknown.length > 0 ? 2 : 0);
}

const machine = {
  node: process.version,
  git: execFileSync('git', ['--version'], { encoding: 'utf8' }).trim(),
  platform: `${process.platform} ${process.arch}`,
  processor: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
};

const interrupted = () => void endAll().finally(() => process.exit(130));
process.on('SIGINT', interrupted).on('SIGTERM', interrupted);

const figures: Figure[] = [];
await installMemory();
for (const name of chosen) {
  console.error(`► ${name}`);
  figures.push(...((await benches[name]?.()) ?? []));
}

console.log(
  `${machine.processor}, ${machine.cores} cores, ${machine.platform}, Node ${machine.node}, ${machine.git}\n`,
);
console.log(table(figureRows(figures)));
if (options.verbose) {
  for (const { name, detail } of figures) {
    console.log(`${name}\n${table(Object.entries(detail).map(([key, value]) => ['', key, value.toFixed(2)]))}`);
  }
}
const results = figures.map(figure => ({ ...figure, compared: comparison(figure), met: isMet(figure) }));
writeFileSync(
  options.out,
  `${JSON.stringify({ at: new Date().toISOString(), machine, figures: results }, undefined, 2)}\n`,
);

const missed = figures.filter(figure => isMet(figure) === false).length;
console.log(missed === 0 ? 'Every target is met.' : `${missed} targets are MISSED.`);
process.exitCode = options.strict && missed > 0 ? 1 : 0;
