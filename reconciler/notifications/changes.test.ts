import { expect, it } from 'vitest';
import type { Condition, Status } from '../status.ts';
import { noticesOf, type Told } from './changes.ts';

type Draft = [type: Condition['type'], status: Condition['status'], reason: string, message: string];

function status(applied: string | undefined, ...drafts: Draft[]): Status {
  return {
    repository: { display: 'x', ref: 'main', path: '', mode: 'open' },
    revision: applied === undefined ? {} : { applied },
    conditions: drafts.map(([type, is, reason, message]) => ({ type, status: is, reason, message, since: '' })),
    servers: [],
    projects: [],
    problems: [],
  };
}

const well: Told = { applied: 'a', stalled: undefined, degraded: undefined };
const stalled: Draft = ['Stalled', 'True', 'ResourcesStalled', 'server/x'];
const held: Draft = ['Stalled', 'True', 'PruneHeld', 'the removals wait'];
const degraded: Draft = ['Degraded', 'True', 'ServersDegraded', 'x'];
const source: Draft = ['Ready', 'False', 'SourceFailed', 'no answer'];

it.each<[situation: string, told: Told, status: Status, types: string[]]>([
  ['nothing new', well, status('a'), []],
  ['nothing known yet', { ...well, applied: undefined }, status(undefined), []],
  ['the daemon started again on the same commit', well, status('a'), []],
  ['a new commit', well, status('b'), ['applied']],
  ['a new commit that stalls in part', well, status('b', stalled), ['applied', 'stalled']],
  ['the same stall', { ...well, stalled: 'ResourcesStalled: server/x' }, status('a', stalled), []],
  ['another stall', { ...well, stalled: 'ResourcesStalled: server/y' }, status('a', stalled), ['stalled']],
  ['removals that are held back', well, status('a', held), ['prune-held']],
  ['a server fails', well, status('a', degraded), ['degraded']],
  ['the repository is out of reach', well, status('a', source), ['degraded']],
  ['still out of reach, in other words', { ...well, degraded: 'SourceFailed' }, status('a', source), []],
  ['one of two troubles is over', { ...well, stalled: 'x', degraded: 'ServersDegraded: x' }, status('a', degraded), []],
  ['all is over', { ...well, degraded: 'ServersDegraded: x' }, status('a'), ['recovered']],
  ['a start that is not through', well, status('a', ['Degraded', 'Unknown', 'x', 'x']), []],
])('%s', (_situation, told, now, types) => {
  const { notices, told: after } = noticesOf(told, now);
  expect(notices.map(({ type }) => type)).toEqual(types);
  expect(noticesOf(after, now).notices).toEqual([]);
});
