// Simulates its share of the seeds, and tells its parent what came of each.
import { breakOnPurpose } from './mutants.ts';
import type { Outcome } from './simulation.ts';

export type Told = Omit<Outcome, 'trace'> & { trace: readonly string[] };

interface Share {
  first: number;
  runs: number;
  index: number;
  workers: number;
  actions?: string;
  mutant?: string;
  trace: boolean;
}

const share: Share = JSON.parse(process.env.MCPCTL_SIMULATED ?? '{}');
if (share.mutant !== undefined) breakOnPurpose(share.mutant);
// Only now, so that what is broken is loaded broken.
const { simulate } = await import('./simulation.ts');

for (let run = share.index; run < share.runs; run += share.workers) {
  const { trace, ...outcome } = await simulate(share.first + run, {
    ...(share.actions !== undefined && { actions: Number(share.actions) }),
  });
  const told: Told = { ...outcome, trace: share.trace ? trace : [] };
  await new Promise(resolve => process.send?.(told, resolve));
  if (outcome.violation) break;
}
process.disconnect();
