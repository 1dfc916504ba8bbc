import { z } from 'zod';
import { DnsLabel } from './names.ts';

/** An OpenSSH public key: type, base64, comment. */
const SshKey = z
  .string()
  .max(16_384)
  .regex(
    /^(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/]+={0,3}(?: [^\r\n]*)?$/,
    'not an OpenSSH public key',
  );

const SshKeys = z
  .array(SshKey)
  .max(64)
  .default([])
  .describe('OpenSSH public keys that what it signs is checked against');

/** A person. */
export const User = z.strictObject({
  email: z.email('not an email address').max(254).describe('The address in their commits'),
  displayName: z.string().max(256).optional().describe('Their name'),
  sshKeys: SshKeys,
  suspended: z.boolean().default(false).describe('Whether they may do nothing for the time being'),
});
export type User = z.infer<typeof User>;

/** A program that acts for nobody in particular. */
export const ServiceAccount = z.strictObject({
  sshKeys: SshKeys,
  suspended: z.boolean().default(false).describe('Whether it may do nothing for the time being'),
});
export type ServiceAccount = z.infer<typeof ServiceAccount>;

const Subject = z.strictObject({
  kind: z.enum(['User', 'Group', 'ServiceAccount']).describe('What it is'),
  name: DnsLabel.describe('Its name'),
});

/** Users, service accounts and other groups, together. */
export const Group = z.strictObject({
  members: z.array(Subject).max(4096).default([]).describe('Who is in it'),
});
export type Group = z.infer<typeof Group>;

/** What somebody may do, and to what. */
export const RoleBinding = z.strictObject({
  subjects: z.array(Subject).min(1).max(1024).describe('Who'),
  role: z
    .enum(['view', 'use', 'propose', 'review', 'edit', 'admin'])
    .describe('What they may do; each role includes `view`, and `admin` all of them'),
  resources: z
    .array(
      z.strictObject({
        kind: z.string().max(64).optional().describe('A kind; left out, every kind'),
        name: DnsLabel.optional().describe('One resource; left out, all of the kind'),
        project: DnsLabel.optional().describe('Only what belongs to this project'),
      }),
    )
    .max(1024)
    .optional()
    .describe('To what; left out, to everything'),
});
export type RoleBinding = z.infer<typeof RoleBinding>;

/** What a client proves itself with: only the token's hash stands in the repository. */
export const McpToken = z.strictObject({
  hash: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, 'not sha256: and 64 hex digits')
    .describe('sha256 of the token'),
  owner: z
    .strictObject({
      kind: z.enum(['User', 'ServiceAccount']).describe('What it is'),
      name: DnsLabel.describe('Its name'),
    })
    .describe('As whom its holder acts'),
  project: DnsLabel.optional().describe('The only project it opens; left out, all that its owner may use'),
  expires: z.iso
    .date('not a date such as 2027-01-31')
    .optional()
    .describe('The first day on which it is no longer valid'),
  revoked: z.boolean().default(false).describe('Whether it is no longer valid'),
});
export type McpToken = z.infer<typeof McpToken>;
