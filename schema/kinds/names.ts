import { z } from 'zod';
import { MAX_LABEL } from './name-lengths.ts';

/** RFC 1123 label, as Kubernetes names are. */
export const DnsLabel = z
  .string()
  .max(MAX_LABEL)
  .regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/, 'not a DNS label');

/** `name`, or `prefix/name` with a DNS name as prefix: what Kubernetes allows for labels and annotations. */
export const QualifiedKey = z
  .string()
  .max(317)
  .regex(
    /^(?:[a-z0-9][a-z0-9.-]{0,252}\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'not a label or annotation key',
  );

export const LabelValue = z
  .string()
  .regex(/^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/, 'not a label value');

export const Labels = z.record(QualifiedKey, LabelValue);
