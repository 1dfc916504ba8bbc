import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { ProblemError, problem } from '../../../schema/index.ts';
import { type Claims, openClaims } from './claims.ts';
import type { Pod } from './found.ts';
import { marks } from './marks.ts';
import type { Member } from './member.ts';
import { createMux, type Mux } from './mux.ts';
import { joinPeer, openPeerDoor, type PeerDoor } from './peers.ts';
import { KubeRefusal } from './refusal.ts';
import type { Streams } from './streams.ts';

/** Servers over stdio that several processes speak with: one is attached, the others go through it. */
export interface Attachments {
  /** @param open attaches this process to the pod */
  attach(pod: Pod, open: () => Promise<Streams>): Promise<Streams>;
  close(): Promise<void>;
}

interface Shared {
  secret: Buffer;
  door: PeerDoor;
  claims: Claims;
}

const PAUSE_MS = 500;
const Secret = z.object({ data: z.object({ key: z.string() }) });

/** @param address by which other processes reach this one */
export function createAttachments(member: Member, address: string): Attachments {
  const { clock, leaseMs } = member;
  const muxes = new Map<string, { mux: Mux; close(): void }>();
  let shared: Promise<Shared> | undefined;
  let runs = 0;

  function open(): Promise<Shared> {
    shared ??= make().catch((error: unknown) => {
      shared = undefined;
      throw error;
    });
    return shared;
  }

  async function make(): Promise<Shared> {
    const secret = await sharedSecret(member);
    const door = await openPeerDoor(address, secret, uid => muxes.get(uid)?.mux);
    const run = `${member.run.slice(0, 8)}-${runs++}`;
    const claims = await openClaims({ ...member, run }, door.address).catch((error: unknown) => {
      door.close();
      throw error;
    });
    void claims.lapsed.then(() => {
      // Somebody else may be attached by now.
      shared = undefined;
      door.close();
      for (const { close } of [...muxes.values()]) close();
      void claims.stop();
    });
    return { secret, door, claims };
  }

  function own(pod: Pod, streams: Streams, claims: Claims): Streams {
    const { uid } = pod.metadata;
    const mux = createMux(streams);
    const entry = { mux, close };
    muxes.set(uid, entry);
    void streams.ended.then(close);
    return { ...mux.own(), ended: streams.ended, close };

    function close(): void {
      streams.close();
      if (muxes.get(uid) !== entry) return;
      muxes.delete(uid);
      void claims.release(pod);
    }
  }

  return {
    async attach(pod, attachTo) {
      const late = clock.ticks() + 3 * leaseMs;
      for (;;) {
        const { secret, claims } = await open();
        const holder = await claims.take(pod);
        if (!holder) {
          const streams = await attachTo().catch(async (error: unknown) => {
            await claims.release(pod);
            throw error;
          });
          return own(pod, streams, claims);
        }
        const joined = await joinPeer(holder.door, secret, pod.metadata.uid);
        if (joined) return joined;
        if (clock.ticks() > late) {
          const message = `the process at ${holder.door} is attached to pod ${pod.metadata.name}, and does not answer`;
          throw new ProblemError(problem('SERVER_UNREACHABLE', message));
        }
        await clock.sleep(PAUSE_MS);
      }
    },
    async close() {
      const opened = await shared?.catch(() => undefined);
      for (const { close } of [...muxes.values()]) close();
      opened?.door.close();
      await opened?.claims.stop();
    },
  };
}

/** One for all processes of an installation; whoever comes first makes it. */
async function sharedSecret({ api, namespace, owner }: Member): Promise<Buffer> {
  const folder = `/api/v1/namespaces/${namespace}/secrets`;
  const name = `mcpctl-peers-${owner.slice(0, 40)}`;
  const labels = { 'app.kubernetes.io/managed-by': 'mcpctl', [marks.owner]: owner };
  const content = { metadata: { name, labels }, type: 'Opaque', immutable: true };
  for (;;) {
    try {
      return Buffer.from(Secret.parse(await api.get(`${folder}/${name}`)).data.key, 'base64');
    } catch (error) {
      if (!(error instanceof KubeRefusal && error.status === 404)) throw error;
    }
    const data = { key: randomBytes(32).toString('base64') };
    await api.create(folder, { apiVersion: 'v1', kind: 'Secret', ...content, data }).catch((error: unknown) => {
      if (!(error instanceof KubeRefusal && error.status === 409)) throw error;
    });
  }
}
