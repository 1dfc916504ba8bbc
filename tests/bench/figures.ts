/** One measured thing, compared with something measured in the same run. */
export interface Figure {
  bench: string;
  /** What was measured. */
  name: string;
  measured: number;
  /** What it is compared with. */
  baseline: { name: string; value: number };
  unit: 'ms' | 'requests' | 'files' | 'bytes' | 'MiB';
  compare: 'difference' | 'ratio';
  /** The most that the comparison may give; without it the figure is told, not judged. */
  target?: number;
  /** More about the same measurement, for the JSON and `--verbose`. */
  detail: Record<string, number>;
}

/** The middle value; the mean of the two in the middle when there is no one. Needs at least one value. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new Error('there is no median of nothing');
  return (lower + upper) / 2;
}

/** The value that so many percent do not exceed. Needs at least one value. */
export function percentile(values: readonly number[], percent: number): number {
  const value = values.toSorted((a, b) => a - b)[Math.ceil((values.length * percent) / 100) - 1];
  if (value === undefined) throw new Error('there is no percentile of nothing');
  return value;
}

/**
 * The lowest median of so many values in a row: what a thing takes while nothing else disturbs it. A rest too short for
 * a row is left out.
 */
export function quietMedian(values: readonly number[], inARow = 100): number {
  const medians: number[] = [];
  for (let start = 0; start + inARow <= values.length; start += inARow) {
    medians.push(median(values.slice(start, start + inARow)));
  }
  if (medians.length === 0) throw new Error(`a quiet median needs ${inARow} values`);
  return Math.min(...medians);
}

/** The difference, or the ratio, that a figure is about. */
export function comparison({ measured, baseline, compare }: Figure): number {
  return compare === 'difference' ? measured - baseline.value : measured / baseline.value;
}

/** Whether a figure is within its target; undefined without one. */
export function isMet(figure: Figure): boolean | undefined {
  return figure.target === undefined ? undefined : comparison(figure) <= figure.target;
}

/** Rows for a table, the header first. */
export function figureRows(figures: readonly Figure[]): string[][] {
  const rows = figures.map(figure => {
    const { bench, name, measured, baseline, unit, target } = figure;
    const met = isMet(figure);
    return [
      bench,
      name,
      `${rounded(measured)} ${unit}`,
      `${baseline.name}: ${rounded(baseline.value)} ${unit}`,
      compared(figure, comparison(figure)),
      target === undefined ? '' : `≤ ${compared(figure, target)}`,
      met === undefined ? '' : met ? 'met' : 'MISSED',
    ];
  });
  return [['BENCH', 'WHAT', 'MEASURED', 'BASELINE', 'COMPARED', 'TARGET', ''], ...rows];
}

function compared({ compare, unit }: Figure, value: number): string {
  if (compare === 'ratio') return `${value.toFixed(2)} ×`;
  return `${value < 0 ? '−' : '+'}${rounded(Math.abs(value))} ${unit}`;
}

/** Three digits that matter are enough for anything measured here. */
function rounded(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return String(Math.round(value));
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}
