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
