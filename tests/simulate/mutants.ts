import { registerHooks } from 'node:module';
import type { Invariant } from './world.ts';

/** A part of the reconciler that is broken on purpose, to show that it would be noticed. */
export interface Mutant {
  file: string;
  from: string;
  to: string;
  /** Which of the invariants notice it. */
  caughtBy: readonly Invariant[];
  /** A seed from which on it is noticed soon; 1 unless given. */
  seed?: number;
}

export const mutants: Record<string, Mutant> = {
  'a plan that duplicates': {
    file: 'reconciler/plan.ts',
    from: 'Array.from({ length: replicas }, (_, ordinal)',
    to: 'Array.from({ length: 2 * replicas }, (_, ordinal)',
    caughtBy: ['surge', 'converges'],
  },
  'a prune that ends what is looked after': {
    file: 'reconciler/steps/prune.ts',
    from: 'service.looksAfter(id, server)',
    to: 'false',
    caughtBy: ['converges', 'stuck'],
  },
  'a removal that ignores the inventory': {
    file: 'reconciler/inventory.ts',
    from: 'if (!entries.has(id)) return;',
    to: '',
    caughtBy: ['unowned'],
  },
  'no prune': {
    file: 'reconciler/steps/prune.ts',
    from: 'inventory.sweep(',
    to: 'void (',
    caughtBy: ['converges', 'surge'],
  },
  'removals without a budget': {
    file: 'reconciler/accept.ts',
    from: 'options.allowPrune === true',
    to: 'true',
    caughtBy: ['accident'],
  },
  'an empty secret will do': {
    file: 'reconciler/secrets/resolve.ts',
    from: 'return value ? { value } :',
    to: "return true ? { value: value ?? '' } :",
    caughtBy: ['secrets'],
  },
  'a removal without a deadline': {
    file: 'reconciler/inventory.ts',
    from: 'await within(clock, REMOVE_MS, runtime.remove(id),',
    to: 'await within(clock, 1e9, runtime.remove(id),',
    caughtBy: ['stuck', 'converges'],
  },
  'a start without a deadline': {
    file: 'reconciler/instances/launch.ts',
    from: 'return within(clock, launchTimeoutMs, work,',
    to: 'return within(clock, 1e9, work,',
    caughtBy: ['stuck', 'converges'],
  },
  'a retry that never comes': {
    file: 'reconciler/instances/machine.ts',
    from: "{ type: 'release' }, { type: 'wait', ms }] };\n}\n\nfunction checked",
    to: "{ type: 'release' }] };\n}\n\nfunction checked",
    caughtBy: ['stuck'],
  },
  'calls to whatever runs': {
    file: 'reconciler/instances/rotation.ts',
    from: 'return ready.length > 0 ? ready : running;',
    to: 'return running;',
    caughtBy: ['rotation'],
  },
  'a rollout that takes one place too many': {
    file: 'reconciler/instances/rollout.ts',
    from: 'const SURGE = 1;',
    to: 'const SURGE = 2;',
    caughtBy: ['surge'],
  },
  'what could not be ended is forgotten': {
    file: 'reconciler/instances/rollout.ts',
    from: '(situation.leftovers ?? [])',
    to: '([] as number[])',
    caughtBy: ['surge', 'converges'],
    seed: 410,
  },
};

/** From now on, modules are loaded with that mutant's change. */
export function breakOnPurpose(name: string): void {
  const mutant = mutants[name];
  if (!mutant) throw new Error(`there is no mutant ${name}`);
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!url.endsWith(`/${mutant.file}`)) return loaded;
      const source = String(loaded.source);
      if (source.split(mutant.from).length !== 2) throw new Error(`${name}: ${mutant.file} has changed`);
      return { ...loaded, source: source.replace(mutant.from, () => mutant.to) };
    },
  });
}
