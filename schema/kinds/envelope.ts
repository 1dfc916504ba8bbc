import { z } from 'zod';

export const API_VERSION = 'mcpctl.dev/v1';

/** `name`, or `prefix/name` with a DNS name as prefix: what Kubernetes allows for labels and annotations. */
const QualifiedKey = z
  .string()
  .max(317)
  .regex(
    /^(?:[a-z0-9][a-z0-9.-]{0,252}\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'not a label or annotation key',
  );

const LabelValue = z.string().regex(/^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/, 'not a label value');

/** What every YAML resource may say about itself. The name is the path's; it may be repeated here. */
const EnvelopeMetadata = z.strictObject({
  name: z.string().optional(),
  labels: z.record(QualifiedKey, LabelValue).default({}),
  annotations: z.record(QualifiedKey, z.string()).default({}),
  description: z.string().max(4096).optional(),
});

/** Kubernetes' envelope around a kind's spec. */
export function envelope<Spec extends z.ZodType>(spec: Spec) {
  return z.strictObject({
    apiVersion: z.string(),
    kind: z.string(),
    metadata: EnvelopeMetadata.default({ labels: {}, annotations: {} }),
    spec,
  });
}
