import type { z } from 'zod';
import { envelope } from './kinds/envelope.ts';
import * as kinds from './kinds/index.ts';
import type { Kind } from './resource.ts';

/** The schema of a whole document of a kind that people write, as `get -o yaml` shows it. */
export function documentSchema(kind: Exclude<Kind, 'Lock'>): z.ZodType {
  // biome-ignore lint/performance/noDynamicNamespaceImportAccess: every kind is needed, and a list here could miss one
  const spec: z.ZodType = kinds[kind];
  return envelope(spec);
}
