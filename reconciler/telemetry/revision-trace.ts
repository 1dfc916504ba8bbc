import type { Span, TraceContext, Tracer } from '../../host/index.ts';
import type { Problem } from '../../schema/index.ts';
import type { Status } from '../status.ts';
import { holds } from '../summarize.ts';

export interface StepTiming {
  name: string;
  /** Milliseconds since the epoch. */
  start: number;
  end: number;
  /** A problem's code. */
  error: string | undefined;
}

export interface PassTiming {
  /** When it was poked, or began by itself. */
  start: number;
  parent: TraceContext | undefined;
  mode: 'poll' | 'poke';
  commit: string;
  steps: readonly StepTiming[];
  accepted: boolean;
}

/** One trace for each commit, from the poke to Ready. */
export interface RevisionTrace {
  /** A pass that took up a commit is through. */
  passed(pass: PassTiming): void;
  instance(id: string, state: string, problem?: Problem): void;
  status(status: Status): void;
  close(): void;
}

/** What is open: the commit's own span, and one for each instance that starts because of it. */
interface Open {
  commit: string;
  root: Span;
  ready: Span;
  starts: Map<string, Span>;
}

export function createRevisionTrace(tracer: Tracer, ref: string): RevisionTrace {
  let open: Open | undefined;
  /** When instances began to start; the pass that made them do so is told only after them. */
  const began = new Map<string, number>();

  function finish(outcome: { error?: string } = {}): void {
    if (!open) return;
    for (const span of open.starts.values()) span.end(outcome);
    open.ready.end(outcome);
    open.root.end(outcome);
    open = undefined;
  }

  function startOf(id: string, start: number): void {
    if (!open || open.starts.has(id)) return;
    const attributes = { 'mcpctl.instance': id, 'mcpctl.server': id.slice(0, id.lastIndexOf('-')) };
    open.starts.set(id, tracer.start('instance start', { parent: open.root.context, attributes, start }));
  }

  return {
    passed({ start, parent, mode, commit, steps, accepted }) {
      if (open) open.root.set({ 'mcpctl.superseded': true });
      finish();
      const attributes = {
        'vcs.ref.head.revision': commit,
        'vcs.ref.head.name': ref,
        'mcpctl.reconcile.trigger': mode,
      };
      const root = tracer.start('reconcile', { parent, start, attributes });
      for (const step of steps) {
        tracer
          .start(step.name, { parent: root.context, start: step.start })
          .end({ at: step.end, ...(step.error !== undefined && { error: step.error }) });
      }
      const last = steps.at(-1);
      const ready = tracer.start('ready', { parent: root.context, ...(last && { start: last.end }) });
      open = { commit, root, ready, starts: new Map() };
      for (const [id, at] of began) startOf(id, at);
      began.clear();
      if (!accepted) finish({ error: last?.error ?? 'refused' });
    },
    instance(id, state, problem) {
      const now = performance.timeOrigin + performance.now();
      if (state === 'Starting') {
        if (open) startOf(id, now);
        else if (began.size < 1_000) began.set(id, now);
      } else if (state === 'Running' || state === 'Error') {
        began.delete(id);
        open?.starts.get(id)?.end(problem ? { error: problem.code } : {});
        open?.starts.delete(id);
      }
    },
    status(status) {
      if (open && status.revision.applied === open.commit && holds(status.conditions, 'Ready')) finish();
    },
    close: () => finish({ error: 'stopped' }),
  };
}
