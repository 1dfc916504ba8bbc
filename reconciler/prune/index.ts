/**
 * What a commit takes out of service, and what of that is not done: moves are told from removals, slips from both; too
 * much at once waits for a person. Pure.
 */
export { displaced } from './displaced.ts';
export {
  type Held,
  heldProblem,
  heldTogether,
  judgeFormer,
  judgeRemovals,
  type Removals,
  settledRemovals,
} from './removals.ts';
