import type { ReleaseSource } from '../../repo/trust/index.ts';
import type { ParsedFile, Problem, Repository } from '../../schema/index.ts';
import type { Accepted } from '../accept.ts';
import type { DriftWatch } from '../drift.ts';
import type { Follower } from '../follow.ts';
import type { Inventory } from '../inventory.ts';
import type { Journal } from '../journal.ts';
import type { RuntimeName } from '../runtimes/index.ts';
import type { Service } from '../service.ts';
import type { StateStore } from '../state/index.ts';
import type { Facts } from '../summarize.ts';
import type { Suspensions } from '../suspensions.ts';

/** What the steps of a pass change; with what is seen of the instances it makes up the status. */
export interface State
  extends Omit<
    Facts,
    'repository' | 'instances' | 'surface' | 'rollout' | 'suspended' | 'pruneFailed' | 'drift' | 'givenBackoff'
  > {
  /** The newest commit that was applied, or refused, to the end. */
  decided: string | undefined;
}

/** What one pass of the loop has found out so far. */
export interface Pass {
  readonly mode: 'poll' | 'poke';
  commit?: string;
  files?: Iterable<ParsedFile>;
  accepted?: Accepted;
}

/** All that a step may use. */
export interface StepContext {
  readonly pass: Pass;
  readonly state: State;
  /** Aborted when the daemon stops. */
  readonly signal: AbortSignal;
  readonly follower: Follower;
  /** Where only signed releases are followed. */
  readonly releases: ReleaseSource | undefined;
  /** Why a commit of the branch may not be followed as it is; asked for what it says of itself. */
  readonly mustNotFollow: ((repository: Repository) => Promise<Problem | undefined>) | undefined;
  readonly store: StateStore;
  readonly service: Service;
  readonly journal: Journal;
  readonly inventory: Inventory;
  readonly drift: DriftWatch;
  readonly suspensions: Pick<Suspensions, 'held'>;
  /** Where servers run that name no runtime. */
  readonly standardRuntime: RuntimeName;
  /** The environment whose patches take effect. */
  readonly environment: string | undefined;
  /** The status is to be summed up again, before the pass has ended. */
  statusChanged(): void;
}

/** `next` goes on to the next step, `done` ends the pass; so does a problem, which leaves what is in service as it was. */
export type StepResult = 'next' | 'done' | { problem: Problem };

export type Step = (context: StepContext) => StepResult | Promise<StepResult>;

/** Only now the commit is done with: a pass that broke off (a full disk) is tried again by the next one. */
export function settle({ state, pass }: StepContext): void {
  state.decided = pass.commit;
  state.sourceProblem = undefined;
}
