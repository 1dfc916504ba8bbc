import { z } from 'zod';

/** RFC 1123 label, as Kubernetes names are. */
export const DnsLabel = z
  .string()
  .max(63)
  .regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/, 'not a DNS label');

/** Longest name per kind: `<server>__<tool>` with a client's own prefix must fit in 64 characters. */
export const MAX_SHORT_NAME = 24;
