import { notIgnored } from '../not-ignored.ts';
import type { Difference, Observed } from '../runtime.ts';
import { type Found, Limits, labelOf } from './found.ts';

/** What a container is as an instance. */
export function observedOf(found: Found, owner: string): Observed {
  const { Running, Paused, StartedAt } = found.State;
  const owned = labelOf(found, 'owner') === owner;
  const unfit = whyUnfit(found);
  const differs = unfit === undefined ? differencesOf(found) : [];
  const why = unfit ?? differs[0]?.why;
  return {
    id: labelOf(found, 'instance'),
    specDigest: labelOf(found, 'spec'),
    state: Paused ? 'paused' : Running ? 'running' : 'ended',
    owned,
    adoptable: owned && why === undefined,
    ...(why !== undefined && { why }),
    ...(differs.length > 0 && { differs }),
    startedAt: Date.parse(StartedAt),
  };
}

/** Why a container cannot be taken as it is: it does not run, or it is not what was started. */
export function whyNotAdoptable(found: Found, ignored: readonly string[] = []): string | undefined {
  return whyUnfit(found) ?? notIgnored(differencesOf(found), ignored)[0]?.why;
}

/** What no Server can have ignored: it has less around it than was put there, or it does not run. */
function whyUnfit(found: Found): string | undefined {
  for (const weakness of weaknesses) {
    const why = weakness(found);
    if (why !== undefined) return why;
  }
  const { Paused, Running, Status } = found.State;
  if (Paused) return 'somebody paused it';
  return Running ? undefined : `it is ${Status}`;
}

const weaknesses: ((found: Found) => string | undefined)[] = [
  ({ HostConfig: { Privileged } }) => (Privileged ? 'it is privileged' : undefined),
  ({ HostConfig: { NetworkMode } }) => (NetworkMode === 'host' ? 'it uses the host’s network' : undefined),
  otherNetwork,
  ({ HostConfig: { PidMode } }) => shares(PidMode, 'processes'),
  ({ HostConfig: { IpcMode } }) => shares(IpcMode, 'shared memory'),
  ({ HostConfig: { UTSMode } }) => shares(UTSMode, 'host name'),
  ({ HostConfig: { UsernsMode } }) => shares(UsernsMode, 'users'),
  ({ HostConfig: { CapAdd } }) => some(CapAdd, names => `it has capabilities: ${names.join(', ')}`),
  ({ HostConfig: { CapDrop } }) =>
    (CapDrop ?? []).some(name => name.toUpperCase() === 'ALL') ? undefined : 'it kept Docker’s usual capabilities',
  ({ HostConfig: { SecurityOpt } }) => loosened(SecurityOpt ?? []),
  ({ HostConfig: { ReadonlyRootfs } }) => (ReadonlyRootfs ? undefined : 'its root can be written'),
  ({ HostConfig: { Devices } }) => some(Devices, ([first]) => `it has the host’s ${first?.PathOnHost}`),
  ({ HostConfig: { DeviceRequests } }) => some(DeviceRequests, () => 'it has devices of the host'),
  foreignFiles,
  openPorts,
  ({ HostConfig: { RestartPolicy } }) =>
    ['', 'no'].includes(RestartPolicy?.Name ?? '') ? undefined : 'Docker restarts it by itself',
];

function otherNetwork(found: Found): string | undefined {
  const wanted = labelOf(found, 'network');
  const { NetworkMode } = found.HostConfig;
  // An older version did not write it down.
  if (wanted === '') return undefined;
  const joined = Object.keys(found.NetworkSettings.Networks ?? {});
  const other = [NetworkMode, ...joined].find(name => name !== wanted);
  return other === undefined ? undefined : `it is on the network ${other}`;
}

/** A namespace of the host’s, or of another container’s. */
function shares(mode: string, what: string): string | undefined {
  if (mode === 'host') return `it sees the host’s ${what}`;
  return mode.startsWith('container:') ? `it sees another container’s ${what}` : undefined;
}

function loosened(options: readonly string[]): string | undefined {
  const loose = options.find(option => /[=:](?:unconfined|disable|false)$/.test(option));
  if (loose !== undefined) return `it runs with ${loose}`;
  return options.some(option => /^no-new-privileges(?:[=:]true)?$/.test(option))
    ? undefined
    : 'its programs may gain privileges';
}

function foreignFiles(found: Found): string | undefined {
  const { HostConfig, Mounts, Name } = found;
  const bound = HostConfig.Binds?.[0] ?? Mounts.find(({ Type }) => Type === 'bind')?.Source;
  if (bound !== undefined) return `it mounts ${bound} of the host`;
  const [other] = HostConfig.VolumesFrom ?? [];
  if (other !== undefined) return `it has the volumes of ${other}`;
  // What an image declares is a volume without a name: 64 digits.
  const own = [Name.slice(1), ''];
  const foreign = Mounts.find(
    one => one.Type === 'volume' && !own.includes(one.Name) && !/^[0-9a-f]{64}$/.test(one.Name),
  );
  return foreign && `it has the volume ${foreign.Name}`;
}

/** Reachable from other machines. */
function openPorts({ HostConfig: { PortBindings, PublishAllPorts } }: Found): string | undefined {
  const bindings = Object.values(PortBindings ?? {}).flatMap(list => list ?? []);
  const open = PublishAllPorts || bindings.some(({ HostIp }) => HostIp !== '127.0.0.1');
  return open ? 'its port is open to other machines' : undefined;
}

function some<T>(list: readonly T[] | null | undefined, words: (list: readonly T[]) => string): string | undefined {
  return list && list.length > 0 ? words(list) : undefined;
}

/** Declared fields that were changed. */
function differencesOf(found: Found): Difference[] {
  const { Image, HostConfig } = found;
  const wanted = labelOf(found, 'image');
  const image = { field: '/spec/image', why: `it runs ${short(Image)}, not ${short(wanted)}` };
  const limits = limitsOn(found);
  return [
    ...(Image === wanted ? [] : [image]),
    ...(limits ? limitFields.filter(({ same }) => !same(HostConfig, limits)).map(({ field }) => changed(field)) : []),
  ];
}

const limitFields: { field: string; same(now: Found['HostConfig'], then: Limits): boolean }[] = [
  {
    field: 'memory',
    same: (now, then) => (now.Memory ?? 0) === (then.Memory ?? 0) && !now.MemoryReservation,
  },
  {
    field: 'cpu',
    same: (now, then) =>
      (now.NanoCpus ?? 0) === (then.NanoCpus ?? 0) && !now.CpuQuota && !now.CpuShares && !now.CpusetCpus,
  },
  // Docker writes “none” as nothing, 0 or -1.
  { field: 'pids', same: (now, then) => Math.max(0, now.PidsLimit ?? 0) === (then.PidsLimit ?? 0) },
];

function changed(limit: string): Difference {
  return { field: `/spec/resources/limits/${limit}`, why: `somebody changed its limits (${limit})` };
}

/** What it was given; undefined where an older version did not write it down. */
function limitsOn(found: Found): Limits | undefined {
  try {
    return Limits.safeParse(JSON.parse(labelOf(found, 'limits'))).data;
  } catch {
    return undefined;
  }
}

function short(image: string): string {
  return image.replace(/^sha256:(.{12}).*$/, 'sha256:$1…');
}
