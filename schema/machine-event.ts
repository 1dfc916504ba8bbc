import { z } from 'zod';

const Text = z.string().max(256);
const Digest = z.string().max(80);

/** What happened to a skill on somebody’s machine, as that machine tells a gateway. */
export const MachineEvent = z.strictObject({
  /** Made by the machine: what is sent twice is kept once. */
  id: z.uuid(),
  at: z.iso.datetime(),
  machine: Text,
  project: Text.optional(),
  skill: Text,
  version: Text.optional(),
  release: Text.optional(),
  digest: Digest,
  action: z.enum(['install', 'update', 'remove', 'postInstall', 'preUninstall']),
  /** The script that ran, below the skill’s folder. */
  script: z.string().max(1024).optional(),
  scriptSha256: Digest.optional(),
  exitCode: z.int().nullable().optional(),
  signal: Text.nullable().optional(),
  timedOut: z.boolean().optional(),
  durationMs: z.int().min(0).optional(),
  /** It is of a signed release that was checked on the machine. */
  verified: z.boolean(),
});
export type MachineEvent = z.infer<typeof MachineEvent>;

/** What is sent at once. */
export const MachineEvents = z.strictObject({ events: z.array(MachineEvent).min(1).max(256) });
