import { z } from 'zod';
import { Labels, QualifiedKey } from './names.ts';

export const API_VERSION = 'mcpctl.dev/v1';

/** What every YAML resource may say about itself. The name is the path's; it may be repeated here. */
const EnvelopeMetadata = z.strictObject({
  name: z.string().optional().describe('The path’s own name, which may be repeated here'),
  labels: Labels.default({}).describe('What selectors look at: `key: value`, as in Kubernetes'),
  annotations: z.record(QualifiedKey, z.string()).default({}).describe('Notes for people and programs'),
  description: z.string().max(4096).optional().describe('What it is for, in a sentence or two'),
});

/** Kubernetes' envelope around a kind's spec. */
export function envelope<Spec extends z.ZodType>(spec: Spec) {
  return z.strictObject({
    apiVersion: z.string().describe(`Always \`${API_VERSION}\``),
    kind: z.string().describe('The kind; the path says the same'),
    metadata: EnvelopeMetadata.default({ labels: {}, annotations: {} }).describe('What it says about itself'),
    spec: spec.describe('What is declared'),
  });
}
