import type { TraceContext } from '../../host/index.ts';
import type { Problem } from '../../schema/index.ts';
import type { Status } from '../status.ts';
import type { Pass, StepResult } from '../steps/index.ts';
import { createRevisionTrace, type StepTiming } from './revision-trace.ts';
import type { Telemetry } from './telemetry.ts';

/** Seconds. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Told by the loop what happens; it decides nothing. */
export interface LoopObserver {
  /** Somebody says that there is something new. @param parent the trace that goes on here */
  poked(parent?: TraceContext): void;
  /** Follow a pass: `step` around each of its steps, `end` when it is over. */
  pass(pass: Pass): {
    step(name: string, work: () => StepResult | Promise<StepResult>): Promise<StepResult>;
    end(): void;
  };
  instance(id: string, state: string, problem?: Problem): void;
  status(status: Status): void;
  close(): void;
}

export function createLoopObserver({ metrics, tracer }: Telemetry, ref: string): LoopObserver {
  const passes = metrics.counter(
    'mcpctl_reconcile_passes_total',
    'Passes of the loop, by what started and ended them.',
  );
  const seconds = metrics.histogram(
    'mcpctl_reconcile_step_duration_seconds',
    'How long the steps of a pass took.',
    BOUNDS,
  );
  const fetches = metrics.counter('mcpctl_fetches_total', 'Exchanges with the remote, by outcome.');
  const trace = tracer && createRevisionTrace(tracer, ref);
  let poked: { at: number; parent: TraceContext | undefined } | undefined;

  return {
    poked(parent) {
      poked ??= { at: time(), parent };
    },
    pass(pass) {
      const cause = pass.mode === 'poke' ? poked : undefined;
      poked = undefined;
      const start = cause?.at ?? time();
      const steps: StepTiming[] = [];
      let outcome = 'done';
      return {
        async step(name, work) {
          const began = time();
          const result = await Promise.resolve()
            .then(work)
            .catch((error: unknown) => {
              outcome = 'INTERNAL';
              throw error;
            });
          const ended = time();
          const error = typeof result === 'object' ? result.problem.code : undefined;
          if (error !== undefined) outcome = error;
          steps.push({ name, start: began, end: ended, error });
          seconds.observe({ step: name }, (ended - began) / 1000);
          if (name === 'fetch') fetches.add({ mode: pass.mode, error_type: error ?? '' });
          return result;
        },
        end() {
          passes.add({ trigger: pass.mode, error_type: outcome === 'done' ? '' : outcome });
          const { mode, commit, accepted } = pass;
          if (commit === undefined) return;
          trace?.passed({ start, parent: cause?.parent, mode, commit, steps, accepted: accepted !== undefined });
        },
      };
    },
    instance: (id, state, problem) => trace?.instance(id, state, problem),
    status: status => trace?.status(status),
    close: () => trace?.close(),
  };
}

function time(): number {
  return performance.timeOrigin + performance.now();
}
