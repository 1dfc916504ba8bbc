/** Labels of one series; their order does not matter. */
export type Labels = Readonly<Record<string, string>>;

/** One metric as it is read: a value for each combination of labels. */
export interface Family {
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram';
  /** Each line without the name: suffix (`_bucket`, `_sum`, `_count` or nothing), labels, value. */
  samples: readonly { suffix?: string; labels: Labels; value: number }[];
}

export interface Counter {
  add(labels: Labels, value?: number): void;
}

export interface Histogram {
  /** @param value in the metric's base unit: seconds, bytes */
  observe(labels: Labels, value: number): void;
}

/** What is counted while the program runs, and what is read off when somebody asks. */
export interface Metrics {
  counter(name: string, help: string): Counter;
  histogram(name: string, help: string, bounds: readonly number[]): Histogram;
  /** Families computed anew for each look. */
  collect(read: () => readonly Family[]): void;
  /** Everything, in Prometheus' text format 0.0.4. */
  text(): string;
}

/** More combinations of labels than this, and the rest is counted together: names come from outside. */
const MAX_SERIES = 1_000;
/** A label's value for what is counted together, as OpenTelemetry writes it. */
const OTHER = '_OTHER';
const MAX_LABEL_LENGTH = 128;

export function createMetrics(maxSeries = MAX_SERIES): Metrics {
  const readers: (() => readonly Family[])[] = [];
  return {
    counter(name, help) {
      const series = new Series(maxSeries, () => ({ value: 0 }));
      readers.push(() => [
        { name, help, type: 'counter', samples: series.all().map(([labels, { value }]) => ({ labels, value })) },
      ]);
      return {
        add(labels, value = 1) {
          series.of(labels).value += value;
        },
      };
    },
    histogram(name, help, bounds) {
      const series = new Series(maxSeries, () => ({ counts: bounds.map(() => 0), sum: 0, count: 0 }));
      readers.push(() => [
        { name, help, type: 'histogram', samples: series.all().flatMap(([labels, one]) => rows(labels, one, bounds)) },
      ]);
      return {
        observe(labels, value) {
          const one = series.of(labels);
          const at = bounds.findIndex(bound => value <= bound);
          if (at !== -1) one.counts[at] = (one.counts[at] ?? 0) + 1;
          one.sum += value;
          one.count += 1;
        },
      };
    },
    collect(read) {
      readers.push(read);
    },
    text: () => readers.flatMap(read => read().map(formatFamily)).join(''),
  };
}

/** The values of one metric by labels, in bounded memory. */
class Series<T> {
  private readonly byKey = new Map<string, [Labels, T]>();
  private readonly max: number;
  private readonly fresh: () => T;

  constructor(max: number, fresh: () => T) {
    this.max = max;
    this.fresh = fresh;
  }

  of(labels: Labels): T {
    const names = Object.keys(labels).sort();
    const key = JSON.stringify(names.map(name => [name, labels[name]]));
    const known = this.byKey.get(key);
    if (known) return known[1];
    if (this.byKey.size >= this.max && names.some(name => labels[name] !== OTHER)) {
      return this.of(Object.fromEntries(names.map(name => [name, OTHER])));
    }
    const value = this.fresh();
    this.byKey.set(key, [labels, value]);
    return value;
  }

  all(): [Labels, T][] {
    return [...this.byKey.values()];
  }
}

function rows(
  labels: Labels,
  { counts, sum, count }: { counts: number[]; sum: number; count: number },
  bounds: readonly number[],
): Family['samples'] {
  let below = 0;
  const buckets = bounds.map((bound, index) => {
    below += counts[index] ?? 0;
    return { suffix: '_bucket', labels: { ...labels, le: String(bound) }, value: below };
  });
  const last = { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count };
  return [...buckets, last, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: count }];
}

function formatFamily({ name, help, type, samples }: Family): string {
  const lines = samples.map(({ suffix = '', labels, value }) => `${name}${suffix}${formatLabels(labels)} ${value}\n`);
  const about = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return `# HELP ${name} ${about}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function formatLabels(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escapeLabel(value: string): string {
  const cut = value.slice(0, MAX_LABEL_LENGTH).toWellFormed();
  return cut.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
