import { canonical } from './digest.ts';

/** One step from an old list to a new one: a member that stays (perhaps changed), goes (no `after`) or is new. */
export interface Match {
  before?: number;
  after?: number;
}

/** Beyond this many comparisons members are matched by their place. */
const MAX_COMPARISONS = 250_000;

/**
 * Match the members of a list with those of its successor, so that as few as possible change: by their `name` where
 * they have one, else by value; what is left between two matches by place.
 */
export function matchItems(before: readonly unknown[], after: readonly unknown[]): Match[] {
  const old = before.map(identity);
  const wanted = after.map(identity);
  const matches: Match[] = [];
  let from = 0;
  let to = 0;
  for (const [i, j] of [...commonItems(old, wanted), [old.length, wanted.length] as const]) {
    for (; from < i || to < j; from++, to++) {
      const match: Match = {};
      if (from < i) match.before = from;
      if (to < j) match.after = to;
      matches.push(match);
    }
    if (i < old.length) matches.push({ before: i, after: j });
    from = i + 1;
    to = j + 1;
  }
  return matches;
}

function identity(item: unknown): string {
  const name = typeof item === 'object' && item !== null ? Reflect.get(item, 'name') : undefined;
  return typeof name === 'string' ? `name ${name}` : canonical(item);
}

/** Index pairs of a longest common subsequence. */
function commonItems(before: readonly string[], after: readonly string[]): [number, number][] {
  const pairs: [number, number][] = [];
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) pairs.push([start, start++]);
  const rows = before.length - start;
  const columns = after.length - start;
  if (rows * columns > MAX_COMPARISONS) return pairs;
  const lengths = Array.from({ length: rows + 1 }, () => new Array<number>(columns + 1).fill(0));
  const at = (row: number, column: number) => lengths[row]?.[column] ?? 0;
  for (let row = rows - 1; row >= 0; row--) {
    for (let column = columns - 1; column >= 0; column--) {
      const same = before[start + row] === after[start + column];
      const line = lengths[row];
      if (line) line[column] = same ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  for (let row = 0, column = 0; row < rows && column < columns; ) {
    if (before[start + row] === after[start + column]) pairs.push([start + row++, start + column++]);
    else if (at(row + 1, column) >= at(row, column + 1)) row++;
    else column++;
  }
  return pairs;
}
