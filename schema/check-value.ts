import type { z } from 'zod';

/** So often a schema is asked as it is; from then on it is worth compiling, which takes as long as a few hundred values. */
const FEW = 32;

const asked = new WeakMap<z.ZodType, number>();

/**
 * Check a value against a schema. zod compiles an object's schema when it first checks one; for the one file that a commit
 * changed, that takes longer than everything else.
 * @returns as zod's `safeParse`
 */
export function checkValue<T extends z.ZodType>(schema: T, value: unknown): z.ZodSafeParseResult<z.output<T>> {
  const times = asked.get(schema) ?? 0;
  asked.set(schema, times + 1);
  return schema.safeParse(value, { jitless: times < FEW });
}
