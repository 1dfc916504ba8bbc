import { z } from 'zod';
import type { Exit } from '../runtime.ts';
import { labels } from './owner.ts';

/** What Docker tells of a container, as far as it is read here. */
export const Found = z.object({
  Id: z.string(),
  Name: z.string().default(''),
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
    IpcMode: z.string().default(''),
    UTSMode: z.string().default(''),
    UsernsMode: z.string().default(''),
    CgroupnsMode: z.string().default(''),
    Binds: z.array(z.string()).nullish(),
    VolumesFrom: z.array(z.string()).nullish(),
    Devices: z.array(z.object({ PathOnHost: z.string() })).nullish(),
    DeviceRequests: z.array(z.unknown()).nullish(),
    CapAdd: z.array(z.string()).nullish(),
    CapDrop: z.array(z.string()).nullish(),
    SecurityOpt: z.array(z.string()).nullish(),
    ReadonlyRootfs: z.boolean().default(false),
    RestartPolicy: z.object({ Name: z.string() }).nullish(),
    PortBindings: z.record(z.string(), z.array(z.object({ HostIp: z.string() })).nullable()).nullish(),
    PublishAllPorts: z.boolean().default(false),
    Memory: z.number().nullish(),
    MemoryReservation: z.number().nullish(),
    NanoCpus: z.number().nullish(),
    CpuQuota: z.number().nullish(),
    CpuShares: z.number().nullish(),
    CpusetCpus: z.string().nullish(),
    PidsLimit: z.number().nullish(),
  }),
  Mounts: z
    .array(z.object({ Type: z.string(), Source: z.string().default(''), Name: z.string().default('') }))
    .default([]),
  NetworkSettings: z.object({
    Ports: z.record(z.string(), z.array(z.object({ HostIp: z.string(), HostPort: z.string() })).nullable()).nullish(),
    Networks: z.record(z.string(), z.object({ IPAddress: z.string() })).nullish(),
  }),
});
export type Found = z.infer<typeof Found>;

/** What a container may use, in Docker's words, as it is written on it; what is not there is not limited. */
export const Limits = z.object({
  Memory: z.number().optional(),
  NanoCpus: z.number().optional(),
  PidsLimit: z.number().optional(),
});
export type Limits = z.infer<typeof Limits>;

/** A label's value; empty when there is none. */
export function labelOf(found: Found, name: keyof typeof labels): string {
  return found.Config.Labels?.[labels[name]] ?? '';
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
