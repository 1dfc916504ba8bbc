/** Data with named members. */
export type Mapping = Readonly<Record<string, unknown>>;

/** Whether data is a mapping, and no list. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
