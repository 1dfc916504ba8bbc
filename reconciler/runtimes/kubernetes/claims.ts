import { z } from 'zod';
import type { Pod } from './found.ts';
import { marks } from './marks.ts';
import type { Member } from './member.ts';
import { KubeRefusal } from './refusal.ts';

/**
 * Which process of an installation is attached to a pod. Each pod has a Lease that names one; it is not renewed, but holds
 * for as long as that process renews the one Lease that it has of its own.
 */
export interface Claims {
  /** @returns undefined when the pod is this process's now; else where the holder's door is */
  take(pod: Pod): Promise<{ door: string } | undefined>;
  /** Not attached any more. */
  release(pod: Pod): Promise<void>;
  /** Settles when this process has not renewed in time: others may have taken what it holds. */
  lapsed: Promise<void>;
  stop(): Promise<void>;
}

const Lease = z.looseObject({
  metadata: z.looseObject({
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.looseObject({ holderIdentity: z.string().nullish() }).default({}),
});
type Lease = z.infer<typeof Lease>;

/** @param door where other processes reach this one */
export async function openClaims(member: Member, door: string): Promise<Claims> {
  const { api, clock, owner, run, leaseMs } = member;
  const folder = folderIn(member.namespace);
  const labels = { 'app.kubernetes.io/managed-by': 'mcpctl', [marks.owner]: owner };
  const stopping = new AbortController();
  const { promise: lapsed, resolve: lapse } = Promise.withResolvers<void>();
  const held = new Set<string>();
  /** When another process's own Lease was last seen to change. */
  const seen = new Map<string, { version: string; at: number }>();
  let own = await api.create(folder, leaseOf(memberName(run), run)).then(Lease.parse);
  let renewed = clock.ticks();
  const loop = renew();

  function leaseOf(name: string, holder: string, pod?: Pod): object {
    const references = pod && [{ apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid }];
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name,
        labels,
        annotations: { [marks.door]: door },
        ...(references && { ownerReferences: references }),
      },
      spec: {
        holderIdentity: holder,
        leaseDurationSeconds: Math.max(1, Math.round(leaseMs / 1000)),
        renewTime: `${new Date(clock.now()).toISOString().slice(0, -1)}000Z`,
      },
    };
  }

  async function read(path: string): Promise<Lease | undefined> {
    return unless(404, api.get(path).then(Lease.parse));
  }

  async function renew(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(leaseMs / 4, stopping.signal);
      if (stopping.signal.aborted) return;
      const began = clock.ticks();
      try {
        const next = { ...leaseOf(memberName(run), run), metadata: own.metadata };
        own = Lease.parse(await api.update(`${folder}/${memberName(run)}`, next));
        renewed = began;
      } catch {
        if (clock.ticks() - renewed < (leaseMs * 2) / 3) continue;
        lapse();
        return;
      }
    }
  }

  /** A process that is there renews; one that is gone is known by its silence, or by having taken its Lease away. */
  async function isGone(holder: string): Promise<boolean> {
    const lease = await read(`${folder}/${memberName(holder)}`);
    if (!lease) return true;
    const version = lease.metadata.resourceVersion;
    const before = seen.get(holder);
    if (before?.version !== version) seen.set(holder, { version, at: clock.ticks() });
    if (clock.ticks() - (seen.get(holder)?.at ?? 0) <= leaseMs) return false;
    seen.delete(holder);
    const preconditions = { resourceVersion: version };
    await unless(409, api.remove(`${folder}/${memberName(holder)}`, { preconditions }));
    return true;
  }

  return {
    lapsed,
    async take(pod) {
      const name = claimName(pod.metadata.name);
      const place = folderIn(pod.metadata.namespace);
      const path = `${place}/${name}`;
      for (;;) {
        const claim = await read(path);
        const holder = claim?.spec.holderIdentity ?? '';
        if (claim && holder !== run && holder !== '' && !(await isGone(holder))) {
          return { door: claim.metadata.annotations[marks.door] ?? '' };
        }
        const next = leaseOf(name, run, pod) as { metadata: object };
        const written = claim
          ? unless(
              409,
              api.update(path, {
                ...next,
                metadata: { ...next.metadata, resourceVersion: claim.metadata.resourceVersion },
              }),
            )
          : unless(409, api.create(place, next));
        if ((await written) === undefined) continue;
        held.add(path);
        return undefined;
      }
    },
    async release(pod) {
      const path = `${folderIn(pod.metadata.namespace)}/${claimName(pod.metadata.name)}`;
      if (!held.delete(path)) return;
      const claim = await read(path).catch(() => undefined);
      if (claim?.spec.holderIdentity !== run) return;
      const preconditions = { resourceVersion: claim.metadata.resourceVersion };
      await api.remove(path, { preconditions }).catch(() => undefined);
    },
    async stop() {
      stopping.abort();
      await loop;
      await api.remove(`${folder}/${memberName(run)}`).catch(() => undefined);
    },
  };
}

/** A pod's Lease is in its own namespace: it goes with the pod. */
function folderIn(namespace: string): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
}

function memberName(run: string): string {
  return `mcpctl-process-${run}`;
}

function claimName(pod: string): string {
  return `mcpctl-pod-${pod}`;
}

/** @returns undefined where the API answers so */
async function unless<T>(status: number, asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof KubeRefusal && error.status === status) return undefined;
    throw error;
  }
}
