/** What one pass of the loop does, in order. A step changes the state; what that amounts to, `summarize` alone says. */
import { apply } from './apply.ts';
import { decide } from './decide.ts';
import { fetch } from './fetch.ts';
import { prune } from './prune.ts';
import { read } from './read.ts';
import type { Step } from './step.ts';
import { trust } from './trust.ts';

export const steps: readonly Step[] = [fetch, trust, read, decide, apply];
/** Done at the end of every pass, whatever became of it. */
export const finish = prune;

export type { Pass, State, StepContext, StepResult } from './step.ts';
