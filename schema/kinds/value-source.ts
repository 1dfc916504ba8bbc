import { z } from 'zod';
import { DnsLabel } from './names.ts';

/** One key of a Secret. */
export const SecretRef = z.strictObject({
  name: DnsLabel.describe('The Secret'),
  key: z.string().min(1).max(253).describe('The key in its `data`'),
});
export type SecretRef = z.infer<typeof SecretRef>;

/** Where a value comes from, when it does not stand in the repository. */
export const ValueFrom = z.strictObject({ secretRef: SecretRef.describe('One key of a Secret') });

/** A named value: given as it is, or taken from one key of a Secret. An optional one is `value: ""`. */
export function namedValue(name: z.ZodString) {
  return z
    .strictObject({
      name: name.describe('Its name'),
      value: z.string().optional().describe('The value itself; never a secret'),
      valueFrom: ValueFrom.optional().describe('Where the value comes from instead'),
    })
    .transform((written, context) => {
      const { value, valueFrom } = written;
      if (value !== undefined && !valueFrom) return { name: written.name, value };
      if (valueFrom && value === undefined) return { name: written.name, valueFrom };
      context.addIssue({ code: 'custom', message: 'needs exactly one of `value` and `valueFrom`' });
      return z.NEVER;
    });
}
