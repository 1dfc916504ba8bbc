import { z } from 'zod';
import { SecretRef } from './value-source.ts';

const Vault = z.strictObject({
  address: z.url({ protocol: /^https?$/ }).describe('Where it is'),
  mount: z
    .string()
    .max(255)
    .regex(/^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/, 'not a mount path')
    .default('secret')
    .describe('The mount of its KV engine, version 2'),
  namespace: z.string().max(255).optional().describe('Its namespace'),
  auth: z
    .strictObject({
      method: z.enum(['token', 'approle', 'kubernetes']).describe('How mcpctl proves who it is'),
      role: z.string().max(255).optional().describe('The role it asks for'),
      secretRef: SecretRef.optional().describe('The token, or the secret id of an AppRole'),
    })
    .describe('How it is entered'),
});

const Kubernetes = z.strictObject({
  namespace: z
    .string()
    .max(63)
    .regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/, 'not a DNS label')
    .describe('The namespace whose Secrets are read'),
});

/** Where secret values are kept outside of the machine. Exactly one of its fields says which kind of place it is. */
export const SecretBackend = z.strictObject({
  vault: Vault.optional().describe('HashiCorp Vault or OpenBao'),
  kubernetes: Kubernetes.optional().describe('Secrets of a Kubernetes cluster'),
});
export type SecretBackend = z.infer<typeof SecretBackend>;
