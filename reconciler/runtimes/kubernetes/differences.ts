const QUANTITY = /^(\d+(?:\.\d+)?)([mkKMGTP]i?|)$/;
const FACTORS: Record<string, number> = {
  m: 0.001,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** A declared field that is not so in what is there. */
export interface FieldDifference {
  /** Where it is in what is declared. */
  keys: readonly (string | number)[];
  /** The value that is there instead; undefined for none. */
  there: unknown;
  /** With JSON pointer and both values. */
  words: string;
}

/**
 * Where a live object is not as it was declared. Pure. What is not declared is somebody else's business: defaults of the
 * cluster, fields of other managers.
 */
export function differences(
  declared: unknown,
  live: unknown,
  keys: readonly (string | number)[] = [],
): FieldDifference[] {
  if (Array.isArray(declared)) {
    const there: unknown[] = Array.isArray(live) ? live : [];
    return declared.flatMap((item, at) => differences(item, partnerOf(item, there, at), [...keys, at]));
  }
  if (isObject(declared)) {
    const there = isObject(live) ? live : {};
    return Object.entries(declared).flatMap(([key, value]) => differences(value, there[key], [...keys, key]));
  }
  if (isSame(declared, live)) return [];
  const pointer = keys.map(key => `/${escaped(String(key))}`).join('');
  return [{ keys, there: live, words: `${pointer} is ${shown(live)}, not ${shown(declared)}` }];
}

/** Which field of the Server decides a field of its Deployment; undefined for what protects, or tells whose it is. */
export function fieldOf(keys: readonly (string | number)[]): string | undefined {
  const path = keys.join('/');
  if (path === 'spec/replicas') return '/spec/replicas';
  const inContainer = /^spec\/template\/spec\/containers\/0\/(\w+)/.exec(path)?.[1] ?? '';
  return CONTAINER_FIELDS[inContainer];
}

const CONTAINER_FIELDS: Record<string, string> = {
  image: '/spec/image',
  command: '/spec/command',
  args: '/spec/args',
  env: '/spec/env',
  resources: '/spec/resources',
  workingDir: '/spec/cwd',
  ports: '/spec/port',
};

/** What is declared, with what is there in the fields that are left to others. Pure. */
export function withThere<T>(declared: T, left: readonly FieldDifference[]): T {
  const copy = structuredClone(declared);
  for (const { keys, there } of left) {
    const at = keys.slice(0, -1).reduce((node, key) => (node as Record<string | number, unknown>)[key] as T, copy);
    const last = keys.at(-1) as string;
    if (there === undefined) delete (at as Record<string, unknown>)[last];
    else (at as Record<string, unknown>)[last] = there;
  }
  return copy;
}

/** What lists by name is compared by name: the cluster may add to it. */
function partnerOf(item: unknown, there: readonly unknown[], at: number): unknown {
  if (!isObject(item) || typeof item.name !== 'string') return there[at];
  return there.find(one => isObject(one) && one.name === item.name);
}

function isSame(declared: unknown, live: unknown): boolean {
  if (declared === live || ((declared === '' || declared === false) && live === undefined)) return true;
  const [a, b] = [amount(declared), amount(live)];
  return a !== undefined && a === b;
}

function amount(value: unknown): number | undefined {
  const [, number, unit = ''] = (typeof value === 'string' && QUANTITY.exec(value)) || [];
  const factor = FACTORS[unit];
  return number === undefined || factor === undefined ? undefined : Number(number) * factor;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

function shown(value: unknown): string {
  return value === undefined ? 'absent' : (JSON.stringify(value) ?? '').slice(0, 100);
}
