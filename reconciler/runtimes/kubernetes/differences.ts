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

/**
 * Where a live object is not as it was declared, as JSON pointers with both values. Pure. What is not declared is
 * somebody else's business: defaults of the cluster, fields of other managers.
 */
export function differences(declared: unknown, live: unknown, path = ''): string[] {
  if (Array.isArray(declared)) {
    const there: unknown[] = Array.isArray(live) ? live : [];
    return declared.flatMap((item, at) => differences(item, partnerOf(item, there, at), `${path}/${at}`));
  }
  if (isObject(declared)) {
    const there = isObject(live) ? live : {};
    return Object.entries(declared).flatMap(([key, value]) =>
      differences(value, there[key], `${path}/${escaped(key)}`),
    );
  }
  return isSame(declared, live) ? [] : [`${path} is ${shown(live)}, not ${shown(declared)}`];
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
