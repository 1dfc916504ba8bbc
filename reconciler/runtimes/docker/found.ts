import { z } from 'zod';
import type { Exit, Observed } from '../runtime.ts';
import { labels } from './owner.ts';

/** What Docker tells of a container, as far as it is read here. */
export const Found = z.object({
  Id: z.string(),
  Image: z.string(),
  Config: z.object({ Labels: z.record(z.string(), z.string()).nullable() }),
  State: z.object({
    Status: z.string(),
    Running: z.boolean(),
    Paused: z.boolean(),
    OOMKilled: z.boolean(),
    ExitCode: z.number(),
    Error: z.string().default(''),
    StartedAt: z.string(),
  }),
  HostConfig: z.object({
    Privileged: z.boolean().default(false),
    NetworkMode: z.string().default(''),
    PidMode: z.string().default(''),
    Binds: z.array(z.string()).nullish(),
    CapAdd: z.array(z.string()).nullish(),
    ReadonlyRootfs: z.boolean().default(false),
  }),
  Mounts: z.array(z.object({ Type: z.string(), Source: z.string().default('') })).default([]),
  NetworkSettings: z.object({
    Ports: z.record(z.string(), z.array(z.object({ HostIp: z.string(), HostPort: z.string() })).nullable()).nullish(),
    Networks: z.record(z.string(), z.object({ IPAddress: z.string() })).nullish(),
  }),
});
export type Found = z.infer<typeof Found>;

/** A label's value; empty when there is none. */
export function labelOf(found: Found, name: keyof typeof labels): string {
  return found.Config.Labels?.[labels[name]] ?? '';
}

/** What a container is as an instance. */
export function observedOf(found: Found, owner: string): Observed {
  const { Running, Paused, StartedAt } = found.State;
  const owned = labelOf(found, 'owner') === owner;
  const why = whyNotAdoptable(found);
  return {
    id: labelOf(found, 'instance'),
    specDigest: labelOf(found, 'spec'),
    state: Paused ? 'paused' : Running ? 'running' : 'ended',
    owned,
    adoptable: owned && why === undefined,
    ...(why !== undefined && { why }),
    startedAt: Date.parse(StartedAt),
  };
}

/** Why a container cannot be taken as it is: it does not run, or it is not what was started. */
export function whyNotAdoptable(found: Found): string | undefined {
  const { State, HostConfig, Mounts, Image } = found;
  const wanted = labelOf(found, 'image');
  if (State.Paused) return 'it is paused';
  if (!State.Running) return `it is ${State.Status}`;
  if (Image !== wanted) return `it runs ${short(Image)}, not ${short(wanted)}`;
  if (HostConfig.Privileged) return 'it is privileged';
  if (HostConfig.NetworkMode === 'host') return 'it uses the host’s network';
  if (HostConfig.PidMode === 'host') return 'it sees the host’s processes';
  if ((HostConfig.CapAdd ?? []).length > 0) return `it has capabilities: ${HostConfig.CapAdd?.join(', ')}`;
  if (!HostConfig.ReadonlyRootfs) return 'its root can be written';
  const bound = HostConfig.Binds?.[0] ?? Mounts.find(({ Type }) => Type === 'bind')?.Source;
  return bound === undefined ? undefined : `it mounts ${bound} of the host`;
}

/** How a container ended, from its exit code: a shell's convention, which Docker keeps. */
export function exitOf(found: Found, lastLine: string): Exit {
  const reason = found.State.OOMKilled ? 'it used more memory than it may' : found.State.Error;
  return { ...exitOfCode(found.State.ExitCode), lastLine, ...(reason !== '' && { reason }) };
}

const signals: Record<number, NodeJS.Signals> = {
  129: 'SIGHUP',
  130: 'SIGINT',
  134: 'SIGABRT',
  137: 'SIGKILL',
  139: 'SIGSEGV',
  141: 'SIGPIPE',
  143: 'SIGTERM',
};

/** 137 is SIGKILL, and so on. */
export function exitOfCode(code: number): Pick<Exit, 'code' | 'signal'> {
  const signal = signals[code];
  return signal === undefined ? { code, signal: null } : { code: null, signal };
}

function short(image: string): string {
  return image.replace(/^sha256:(.{12}).*$/, 'sha256:$1…');
}
