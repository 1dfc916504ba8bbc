const FACTORS: Record<string, number> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4,
};

/** A quantity as Kubernetes writes them: `500m` is 0.5, `256Mi` is 268435456. */
export function quantity(text: string): number {
  const [, digits = '', unit = ''] = /^([0-9.]+)([A-Za-z]*)$/.exec(text) ?? [];
  return Number(digits) * (FACTORS[unit] ?? 1);
}
