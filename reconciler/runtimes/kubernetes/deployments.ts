import { z } from 'zod';
import { createSlots } from '../../../host/index.ts';
import { createQueues } from '../queues.ts';
import type { LaunchSpec } from '../runtime.ts';
import type { KubeApi } from './api.ts';
import { differences, fieldOf } from './differences.ts';
import type { Writer } from './fence.ts';
import type { Deployment } from './found.ts';
import { marks, objectName } from './marks.ts';
import {
  deploymentObject,
  type KubeObject,
  networkPolicyObject,
  type Place,
  pathOf,
  secretObject,
  serviceObject,
  valuesOf,
} from './objects.ts';
import { createUpkeep, Existing, isBegun, type There } from './upkeep.ts';

/** The Deployments of our servers, and what belongs to each. */
export interface Deployments {
  /** Have a pod for the instance; nothing is written when that is so. @returns the Secret that its pod has values of */
  want(spec: LaunchSpec): Promise<{ secret: string | undefined }>;
  /** What another leader has applied: exactly these instances have pods. */
  take(spec: LaunchSpec, ordinals: readonly number[]): Promise<void>;
  /** Have one pod less; the last one takes everything of the Deployment with it. */
  release(name: string, ordinal: number): Promise<void>;
  /** Have it no more, whatever pods it has. @param unless asked when its turn comes: it is wanted after all */
  discard(name: string, unless: () => boolean): Promise<void>;
  /** The ordinals that a Deployment has pods for. */
  ordinals(name: string): readonly number[];
  /** What was written may be there no more: look again at the next time. */
  doubt(name: string): void;
  /** How what is there differs from what was declared; nothing is known of one that this daemon has not applied. */
  drift(name: string): { field: string | undefined; why: string }[];
}

interface Yard {
  api: Pick<KubeApi, 'get'>;
  writer: Writer;
  owner: string;
  namespaceOf(project: string | undefined): string;
  imageOf(spec: LaunchSpec): string;
  graceSeconds: number;
  live: ReadonlyMap<string, Deployment>;
  /** Told of fields that somebody else had, and that were taken back. */
  onConflict(name: string, words: string): void;
}

interface Group {
  spec: LaunchSpec | undefined;
  ordinals: Set<number>;
  secret: string | undefined;
  /** What the Secret holds, as JSON. */
  values: string | undefined;
  /** Of the Deployment that the others hang on. */
  uid: string | undefined;
  /** It was only begun; until its whole is seen, what is seen of it is out of date. */
  isWhole: boolean;
  /** What was applied last, by path. */
  applied: Map<string, string>;
  /** What was declared then. Made anew each time: a thousand of them are large. */
  declared: (() => KubeObject) | undefined;
}

/** So many are written at the same time: what is begun is soon whole, and the cluster has not both to act upon. */
const AT_ONCE = 64;

/** Of an object that is named after what it holds, every version is as good. */
const ANY = { version: undefined };

export function createDeployments(yard: Yard): Deployments {
  const { writer, live } = yard;
  const { existing, mustBeOurs, hanging, write } = createUpkeep(yard);
  const { inTurn } = createQueues();
  const slots = createSlots(AT_ONCE);
  const groups = new Map<string, Group>();

  /** What an earlier daemon left is known from what is written on it. */
  function groupOf(name: string): Group {
    const present = groups.get(name);
    if (present) return present;
    const left = live.get(name)?.metadata.annotations[marks.ordinals] ?? '';
    const ordinals = left.split(',').filter(text => /^\d+$/.test(text));
    const group: Group = {
      spec: undefined,
      ordinals: new Set(ordinals.map(Number)),
      secret: secretIn(live.get(name)),
      values: undefined,
      uid: undefined,
      isWhole: false,
      applied: new Map(),
      declared: undefined,
    };
    groups.set(name, group);
    return group;
  }

  function placeOf(spec: LaunchSpec): Place {
    const { owner, graceSeconds } = yard;
    return { owner, namespace: yard.namespaceOf(spec.project), image: yard.imageOf(spec), graceSeconds };
  }

  /**
   * The Deployment, to begin with without pods: what belongs to it hangs on it, and is gone when it is. A stale leader can
   * make no more than that, for any further write is for a version that is not the newest by then.
   */
  async function begun(name: string, group: Group, spec: LaunchSpec, place: Place): Promise<There> {
    const secret = Object.keys(valuesOf(spec)).length > 0 ? (group.secret ?? `${name}-v1`) : undefined;
    const whole = deploymentObject(spec, place, { ordinals: sortedOrdinals(group), secret });
    const there = live.get(name) ?? (await existing(pathOf(whole)));
    if (there) {
      mustBeOurs(whole, there);
      return there;
    }
    const annotations = { ...whole.metadata.annotations, [marks.begun]: 'true' };
    const empty = {
      ...whole,
      metadata: { ...whole.metadata, annotations },
      spec: { ...(whole.spec as object), replicas: 0 },
    };
    return Existing.parse(await writer.apply(empty, ANY));
  }

  async function ensureHanging(group: Group, object: KubeObject, uid: string): Promise<void> {
    const path = pathOf(object);
    const text = JSON.stringify(object);
    if (group.applied.get(path) === text) return;
    await write(object, await hanging(object, uid));
    group.applied.set(path, text);
  }

  /** Values are compared with what is there; other values are another Secret, by a name that tells nothing of them. */
  async function ensureSecret(group: Group, spec: LaunchSpec, place: Place, hang: Hang): Promise<void> {
    const values = valuesOf(spec);
    const text = JSON.stringify(values);
    if (group.values === text) return;
    if (Object.keys(values).length === 0) {
      group.secret = undefined;
    } else {
      const name = group.secret ?? `${objectName(spec)}-v1`;
      const object = hang(secretObject(spec, place, name, values));
      const there = await hanging(object, group.uid ?? '');
      const wanted = object.data as Record<string, string>;
      if (there && JSON.stringify(sorted(there.data)) === JSON.stringify(sorted(wanted))) {
        group.secret = name;
      } else {
        const next = there ? { ...object, metadata: { ...object.metadata, name: following(name) } } : object;
        await writer.apply(next, ANY);
        group.secret = next.metadata.name;
      }
    }
    group.values = text;
  }

  async function put(name: string): Promise<{ secret: string | undefined }> {
    const free = await slots.take();
    return make(name).finally(free);
  }

  async function make(name: string): Promise<{ secret: string | undefined }> {
    const group = groupOf(name);
    const { spec } = group;
    if (!spec) return { secret: group.secret };
    const place = placeOf(spec);
    const before = secretIn(live.get(name));
    const first = await begun(name, group, spec, place);
    const { uid } = first.metadata;
    if (group.uid !== uid) forget(group);
    group.uid = uid;
    const hang: Hang = object => hungOn(object, { name, uid });
    const service = serviceObject(spec, place);
    const others = [networkPolicyObject(spec, place), ...(service ? [service] : [])];
    await Promise.all([
      ensureSecret(group, spec, place, hang),
      ...others.map(object => ensureHanging(group, hang(object), uid)),
    ]);
    const pods = { ordinals: sortedOrdinals(group), secret: group.secret };
    const declared = () => deploymentObject(spec, place, pods);
    group.declared = declared;
    const there = live.get(name) ?? first;
    if (!group.isWhole || !isBegun(there)) await write(declared(), there, spec.ignoreFields);
    group.isWhole = true;
    if (before !== undefined && before !== group.secret) {
      await writer.remove(`/api/v1/namespaces/${place.namespace}/secrets/${before}`, ANY);
    }
    return { secret: group.secret };
  }

  /** Of one that an earlier daemon left, it is where it is found. */
  function namespaceOf(name: string): string | undefined {
    const { spec } = groupOf(name);
    return spec ? yard.namespaceOf(spec.project) : live.get(name)?.metadata.namespace;
  }

  async function removeAll(name: string): Promise<void> {
    const secret = groupOf(name).secret ?? secretIn(live.get(name));
    const namespace = namespaceOf(name);
    if (namespace === undefined) return void groups.delete(name);
    const root = `namespaces/${namespace}`;
    const deployment = { version: live.get(name)?.metadata.resourceVersion };
    const background = { propagationPolicy: 'Background' };
    await writer.remove(`/apis/apps/v1/${root}/deployments/${name}`, deployment, background);
    const others = [
      `/apis/networking.k8s.io/v1/${root}/networkpolicies/${name}`,
      `/api/v1/${root}/services/${name}`,
      ...(secret === undefined ? [] : [`/api/v1/${root}/secrets/${secret}`]),
    ];
    await Promise.all(others.map(path => writer.remove(path, ANY)));
    groups.delete(name);
  }

  return {
    want(spec) {
      const name = objectName(spec);
      const group = groupOf(name);
      group.spec = spec;
      group.ordinals.add(spec.ordinal);
      return inTurn(name, () => put(name));
    },
    async take(spec, ordinals) {
      const name = objectName(spec);
      groups.delete(name);
      const group = groupOf(name);
      group.spec = spec;
      group.ordinals = new Set(ordinals);
      await inTurn(name, () => put(name));
    },
    release(name, ordinal) {
      return inTurn(name, async () => {
        const group = groupOf(name);
        group.ordinals.delete(ordinal);
        try {
          if (group.ordinals.size === 0) await removeAll(name);
          else if (group.spec) await put(name);
          else await scale(name, group);
        } catch (error) {
          // It is there still, and to be found by the next try.
          group.ordinals.add(ordinal);
          throw error;
        }
      });
    },
    discard(name, unless) {
      return inTurn(name, async () => {
        if (!unless() && live.has(name)) await removeAll(name);
      });
    },
    ordinals: name => [...groupOf(name).ordinals],
    doubt: name => forget(groupOf(name)),
    drift(name) {
      const declared = groups.get(name)?.declared;
      const there = live.get(name);
      if (!declared || !there || isBegun(there)) return [];
      const found = differences(declared().spec, there.spec, ['spec']);
      return found.map(({ keys, words }) => ({ field: fieldOf(keys), why: words }));
    },
  };

  /** One of an earlier daemon's, of which only the number of pods is known. */
  async function scale(name: string, group: Group): Promise<void> {
    const patch = {
      metadata: { annotations: { [marks.ordinals]: [...group.ordinals].join(',') } },
      spec: { replicas: group.ordinals.size },
    };
    const path = `/apis/apps/v1/namespaces/${namespaceOf(name)}/deployments/${name}`;
    await writer.merge(path, patch, { version: live.get(name)?.metadata.resourceVersion });
  }
}

type Hang = (object: KubeObject) => KubeObject;

/** The cluster removes it when the Deployment is gone. */
function hungOn(object: KubeObject, { name, uid }: { name: string; uid: string }): KubeObject {
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name, uid }];
  return { ...object, metadata: { ...object.metadata, ownerReferences } };
}

function forget(group: Group): void {
  group.isWhole = false;
  group.applied.clear();
  group.values = undefined;
}

function sortedOrdinals({ ordinals }: Group): number[] {
  return [...ordinals].sort((a, b) => a - b);
}

const Template = z.object({
  template: z.object({
    metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }),
  }),
});

function secretIn(deployment: Deployment | undefined): string | undefined {
  return Template.safeParse(deployment?.spec).data?.template.metadata.annotations[marks.values];
}

function sorted(data: Record<string, string> = {}): [string, string][] {
  return Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** `notes-1234-v1` → `notes-1234-v2` */
function following(name: string): string {
  return name.replace(/\d+$/, digits => String(Number(digits) + 1));
}
