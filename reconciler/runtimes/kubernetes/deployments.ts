import { z } from 'zod';
import { ProblemError, problem } from '../../../schema/index.ts';
import { notIgnored } from '../not-ignored.ts';
import { createQueues } from '../queues.ts';
import type { LaunchSpec } from '../runtime.ts';
import type { KubeApi } from './api.ts';
import { differences, fieldOf, withThere } from './differences.ts';
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
import { conflictsOf, KubeRefusal } from './refusal.ts';

/** The Deployments of our servers, and what belongs to each. */
export interface Deployments {
  /** Have a pod for the instance; nothing is written when that is so. @returns the Secret that its pod has values of */
  want(spec: LaunchSpec): Promise<{ secret: string | undefined }>;
  /** What another leader has applied: exactly these instances have pods. */
  take(spec: LaunchSpec, ordinals: readonly number[]): Promise<void>;
  /** Have one pod less; the last one takes everything of the Deployment with it. */
  release(name: string, ordinal: number): Promise<void>;
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
  namespace: string;
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
  /** What was applied last, by path. */
  applied: Map<string, string>;
  declared: KubeObject | undefined;
}

/** Of an object that is named after what it holds, every version is as good. */
const ANY = { version: undefined };

const Existing = z.looseObject({
  metadata: z.looseObject({
    resourceVersion: z.string().optional(),
    labels: z.record(z.string(), z.string()).default({}),
  }),
  data: z.record(z.string(), z.string()).optional(),
});

export function createDeployments(yard: Yard): Deployments {
  const { api, writer, owner, live } = yard;
  const { inTurn } = createQueues();
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
      applied: new Map(),
      declared: undefined,
    };
    groups.set(name, group);
    return group;
  }

  function placeOf(spec: LaunchSpec): Place {
    const { namespace, graceSeconds } = yard;
    return { owner, namespace, image: yard.imageOf(spec), graceSeconds };
  }

  async function existing(path: string): Promise<z.infer<typeof Existing> | undefined> {
    try {
      return Existing.parse(await api.get(path));
    } catch (error) {
      if (error instanceof KubeRefusal && error.status === 404) return undefined;
      throw error;
    }
  }

  /** What carries another owner's mark, or none, is never written to. */
  function mustBeOurs(object: KubeObject, there: z.infer<typeof Existing> | undefined): void {
    if (!there || there.metadata.labels[marks.owner] === owner) return;
    const whose = there.metadata.labels[marks.owner];
    const who = whose === undefined ? 'somebody else' : `another installation of mcpctl (${whose})`;
    const what = `${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`;
    throw new ProblemError(problem('KUBE_OBJECT_FOREIGN', `${what} belongs to ${who}`));
  }

  /** Written only where it differs; the answer to a conflict is to take the field back, and to tell. */
  async function apply(group: Group, object: KubeObject): Promise<void> {
    const path = pathOf(object);
    const text = JSON.stringify(object);
    const cached = object.kind === 'Deployment' ? live.get(object.metadata.name) : undefined;
    if (!cached && group.applied.get(path) === text && object.kind !== 'Deployment') return;
    const there = cached ?? (await existing(path));
    mustBeOurs(object, there);
    // What comes of a list does not say of what kind it is.
    const { apiVersion: _version, kind: _kind, ...fields } = object;
    const differing = there ? differences(fields, there) : [];
    const left = differing.filter(({ keys }) => isLeft(group.spec, keys));
    if (!there || differing.length > left.length) {
      const known = { version: there?.metadata.resourceVersion };
      const next = left.length > 0 ? withThere(object, left) : object;
      await writer.apply(next, known).catch((error: unknown) => {
        const conflicts = conflictsOf(error);
        if (conflicts.length === 0) throw error;
        const words = conflicts.map(({ manager, fields }) => `${manager} has ${fields.join(', ')}`).join('; ');
        yard.onConflict(object.metadata.name, words);
        return writer.apply(next, known, { force: true });
      });
    }
    group.applied.set(path, text);
  }

  /** Values are compared with what is there; other values are another Secret, by a name that tells nothing of them. */
  async function ensureSecret(group: Group, spec: LaunchSpec, place: Place): Promise<void> {
    const values = valuesOf(spec);
    const text = JSON.stringify(values);
    if (group.values === text) return;
    if (Object.keys(values).length === 0) {
      group.secret = undefined;
    } else {
      const name = group.secret ?? `${objectName(spec)}-v1`;
      const object = secretObject(spec, place, name, values);
      const there = await existing(pathOf(object));
      mustBeOurs(object, there);
      if (
        there &&
        JSON.stringify(sorted(there.data)) === JSON.stringify(sorted(object.data as Record<string, string>))
      ) {
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
    const group = groupOf(name);
    const { spec } = group;
    if (!spec) return { secret: group.secret };
    const place = placeOf(spec);
    const before = secretIn(live.get(name));
    await ensureSecret(group, spec, place);
    const service = serviceObject(spec, place);
    for (const object of [networkPolicyObject(spec, place), ...(service ? [service] : [])]) await apply(group, object);
    const ordinals = [...group.ordinals].sort((a, b) => a - b);
    const declared = deploymentObject(spec, place, { ordinals, secret: group.secret });
    group.declared = declared;
    await apply(group, declared);
    if (before !== undefined && before !== group.secret) await writer.remove(secretPath(before), ANY);
    return { secret: group.secret };
  }

  function secretPath(name: string): string {
    return `/api/v1/namespaces/${yard.namespace}/secrets/${name}`;
  }

  async function removeAll(name: string): Promise<void> {
    const secret = groupOf(name).secret ?? secretIn(live.get(name));
    const root = `namespaces/${yard.namespace}`;
    const deployment = { version: live.get(name)?.metadata.resourceVersion };
    const background = { propagationPolicy: 'Background' };
    await writer.remove(`/apis/apps/v1/${root}/deployments/${name}`, deployment, background);
    await writer.remove(`/apis/networking.k8s.io/v1/${root}/networkpolicies/${name}`, ANY);
    await writer.remove(`/api/v1/${root}/services/${name}`, ANY);
    if (secret !== undefined) await writer.remove(secretPath(secret), ANY);
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
        if (group.ordinals.size === 0) await removeAll(name);
        else if (group.spec) await put(name);
        else await scale(name, group);
      });
    },
    ordinals: name => [...groupOf(name).ordinals],
    doubt(name) {
      const group = groupOf(name);
      group.applied.clear();
      group.values = undefined;
    },
    drift(name) {
      const declared = groups.get(name)?.declared;
      const there = live.get(name);
      if (!declared || !there) return [];
      const found = differences(declared.spec, there.spec, ['spec']);
      return found.map(({ keys, words }) => ({ field: fieldOf(keys), why: words }));
    },
  };

  /** One of an earlier daemon's, of which only the number of pods is known. */
  async function scale(name: string, group: Group): Promise<void> {
    const patch = {
      metadata: { annotations: { [marks.ordinals]: [...group.ordinals].join(',') } },
      spec: { replicas: group.ordinals.size },
    };
    const path = `/apis/apps/v1/namespaces/${yard.namespace}/deployments/${name}`;
    await writer.merge(path, patch, { version: live.get(name)?.metadata.resourceVersion });
  }
}

/** A field that the Server leaves to others. */
function isLeft(spec: LaunchSpec | undefined, keys: readonly (string | number)[]): boolean {
  const field = fieldOf(keys);
  return field !== undefined && notIgnored([{ field, why: '' }], spec?.ignoreFields ?? []).length === 0;
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
