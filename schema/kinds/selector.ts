import { z } from 'zod';
import { Labels, LabelValue, QualifiedKey } from './names.ts';

const Requirement = z.strictObject({
  key: QualifiedKey.describe('A label’s key'),
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']).describe('How its value is compared'),
  values: z.array(LabelValue).default([]).describe('For `In` and `NotIn`'),
});

/** Kubernetes' label selector: everything it says must hold; one that says nothing selects everything. */
export const LabelSelector = z.strictObject({
  matchLabels: Labels.default({}).describe('Labels that it must have, with these values'),
  matchExpressions: z.array(Requirement).max(64).default([]).describe('Further conditions, all of which must hold'),
});
export type LabelSelector = z.infer<typeof LabelSelector>;

/** Whether a resource's labels are what a selector asks for. */
export function selects(
  { matchLabels, matchExpressions }: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  const has = (key: string) => Object.hasOwn(labels, key);
  if (Object.entries(matchLabels).some(([key, value]) => !has(key) || labels[key] !== value)) return false;
  return matchExpressions.every(({ key, operator, values }) => {
    if (operator === 'Exists') return has(key);
    if (operator === 'DoesNotExist') return !has(key);
    const among = has(key) && values.includes(labels[key] ?? '');
    return operator === 'In' ? among : !among;
  });
}
