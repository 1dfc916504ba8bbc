// `npm run test:faults -- AREA [--seed N] [--rounds M]`: real faults on real parts. A short run with a fixed seed is
// part of `npm test`; this one takes another seed each time, says which, and does more.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  // Rounds of `skills` are kills.
  options: { seed: { type: 'string' }, rounds: { type: 'string', default: '25' }, kills: { type: 'string' } },
});
const AREAS = ['reconciler', 'release', 'review', 'skills'];
const [area = 'reconciler'] = positionals;
const rounds = values.kills ?? values.rounds;
const seed = values.seed ?? String(Math.floor(Math.random() * 1_000_000));
if (!AREAS.includes(area) || !/^\d+$/.test(seed) || !/^\d+$/.test(rounds)) {
  console.error(`usage: npm run test:faults -- ${AREAS.join('|')} [--seed N] [--rounds M]`);
  process.exit(2);
}
console.log(`► seed ${seed}: npm run test:faults -- ${area} --seed ${seed} --rounds ${rounds}`);
const root = join(import.meta.dirname, '..', '..');
const vitest = join(root, 'node_modules', '.bin', 'vitest');
const { status } = spawnSync(vitest, ['run', `tests/faults/${area}`], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, MCPCTL_FAULT_SEED: seed, MCPCTL_FAULT_ROUNDS: rounds },
});
process.exitCode = status ?? 1;
