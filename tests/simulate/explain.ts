import { breakOnPurpose } from './mutants.ts';
import type { Outcome } from './simulation.ts';

/** The newest lines of a trace that are shown; `--trace` shows all. */
const SHOWN = 60;

/** Find the fewest actions with which a seed fails, and print what happens then. */
export async function explain(seed: number, { mutant, actions }: { mutant?: string; actions?: string }): Promise<void> {
  if (mutant !== undefined) breakOnPurpose(mutant);
  const { simulate } = await import('./simulation.ts');
  let worst = await simulate(seed, actions === undefined ? {} : { actions: Number(actions) });
  if (!worst.violation) {
    console.error(`✗ seed ${seed} failed, and does not any more: something is not determined by the seed`);
    return;
  }
  for (let count = 0; count < worst.actions; count++) {
    const outcome = await simulate(seed, { actions: count });
    if (outcome.violation) worst = outcome;
  }
  show(worst, mutant);
}

function show({ seed, actions, violation, trace }: Outcome, mutant: string | undefined): void {
  const broken = mutant === undefined ? '' : ` --mutant '${mutant}'`;
  console.error(trace.slice(-SHOWN).join('\n'));
  console.error(`\n✗ seed ${seed}: ${violation?.invariant}: ${violation?.words}`);
  console.error(`  again: npm run test:simulate -- --seed ${seed} --actions ${actions}${broken} --trace`);
}
