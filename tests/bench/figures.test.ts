import { expect, it } from 'vitest';
import { comparison, type Figure, figureRows, isMet, median, quietMedian } from './figures.ts';

it.each([
  ['one value', [3], 3],
  ['an odd number, unsorted', [9, 1, 5], 5],
  ['an even number: the mean of the middle two', [1, 10, 2, 4], 3],
  ['numbers, not text', [10, 9, 100], 10],
])('the median of %s', (_situation, values, expected) => {
  expect(median(values)).toBe(expected);
});

it.each([
  ['the quietest row counts, outliers in it do not', [5, 5, 5, 1, 9, 1, 4, 4, 4], 1],
  ['a quiet stretch across two rows is no row', [9, 9, 1, 1, 1, 9], 1],
  ['what is left over is no row', [5, 5, 5, 1], 5],
])('the quiet median: %s', (_situation, values, expected) => {
  expect(quietMedian(values, 3)).toBe(expected);
});

it.each([
  ['a median', () => median([])],
  ['a quiet median', () => quietMedian([1, 2], 3)],
])('%s needs values', (_situation, work) => {
  expect(work).toThrow();
});

const figure: Figure = {
  bench: 'call',
  name: 'echo',
  measured: 0.75,
  baseline: { name: 'bare', value: 0.25 },
  unit: 'ms',
  compare: 'difference',
  detail: {},
};

it.each<[string, Partial<Figure>, number, boolean | undefined, string[]]>([
  ['a difference within its target', { target: 0.5 }, 0.5, true, ['+0.50 ms', '≤ +0.50 ms', 'met']],
  ['a difference beyond it', { target: 0.4 }, 0.5, false, ['+0.50 ms', '≤ +0.40 ms', 'MISSED']],
  ['a ratio', { compare: 'ratio', target: 1.5 }, 3, false, ['3.00 ×', '≤ 1.50 ×', 'MISSED']],
  ['a figure without a target', { compare: 'ratio' }, 3, undefined, ['3.00 ×', '', '']],
  ['less than the baseline', { measured: 0.125, target: 0 }, -0.125, true, ['−0.13 ms', '≤ +0 ms', 'met']],
])('%s', (_situation, changes, expected, met, shown) => {
  const changed = { ...figure, ...changes };
  expect(comparison(changed)).toBe(expected);
  expect(isMet(changed)).toBe(met);
  expect(figureRows([changed])[1]?.slice(4)).toEqual(shown);
});

it('shows what was measured beside its baseline', () => {
  const [header, row] = figureRows([{ ...figure, measured: 1234.5, baseline: { name: 'by hand', value: 12.34 } }]);
  expect(row).toHaveLength(header?.length ?? 0);
  expect(row?.slice(0, 4)).toEqual(['call', 'echo', '1235 ms', 'by hand: 12.3 ms']);
});
