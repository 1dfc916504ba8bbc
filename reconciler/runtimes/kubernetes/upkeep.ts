import { z } from 'zod';
import { ProblemError, problem } from '../../../schema/index.ts';
import { notIgnored } from '../not-ignored.ts';
import type { KubeApi } from './api.ts';
import { differences, fieldOf, withThere } from './differences.ts';
import type { Writer } from './fence.ts';
import { marks } from './marks.ts';
import { type KubeObject, pathOf } from './objects.ts';
import { conflictsOf, KubeRefusal } from './refusal.ts';

export const Existing = z.looseObject({
  metadata: z.looseObject({
    uid: z.string(),
    resourceVersion: z.string().optional(),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
    ownerReferences: z.array(z.looseObject({ uid: z.string() })).default([]),
  }),
  data: z.record(z.string(), z.string()).optional(),
});
export type Existing = z.infer<typeof Existing>;

/** As much of an object as has to be known to write it. */
export interface There {
  metadata: {
    uid: string;
    resourceVersion?: string | undefined;
    labels: Record<string, string>;
    annotations: Record<string, string>;
  };
}

/** Objects of ours, each written only where it differs. */
export interface Upkeep {
  existing(path: string): Promise<Existing | undefined>;
  /** What carries another owner's mark, or none, is never written to. @throws ProblemError KUBE_OBJECT_FOREIGN */
  mustBeOurs(object: KubeObject, there: There): void;
  /**
   * What is there of an object that hangs on a Deployment. What hangs on one that is gone will go as well, and is removed.
   * @param uid of the Deployment
   */
  hanging(object: KubeObject, uid: string): Promise<Existing | undefined>;
  /**
   * The answer to a conflict is to take the field back, and to tell.
   * @param ignored fields of the Server that are left to others
   */
  write(object: KubeObject, there: There | undefined, ignored?: readonly string[]): Promise<void>;
}

interface Options {
  api: Pick<KubeApi, 'get'>;
  writer: Writer;
  owner: string;
  /** Told of fields that somebody else had, and that were taken back. */
  onConflict(name: string, words: string): void;
}

export function createUpkeep({ api, writer, owner, onConflict }: Options): Upkeep {
  async function existing(path: string): Promise<Existing | undefined> {
    try {
      return Existing.parse(await api.get(path));
    } catch (error) {
      if (error instanceof KubeRefusal && error.status === 404) return undefined;
      throw error;
    }
  }

  /** What carries another owner's mark, or none, is never written to. */
  function mustBeOurs(object: KubeObject, there: There): void {
    const whose = there.metadata.labels[marks.owner];
    if (whose === owner) return;
    const who = whose === undefined ? 'somebody else' : `another installation of mcpctl (${whose})`;
    const what = `${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`;
    throw new ProblemError(problem('KUBE_OBJECT_FOREIGN', `${what} belongs to ${who}`));
  }

  return {
    existing,
    mustBeOurs,
    async hanging(object, uid) {
      const there = await existing(pathOf(object));
      if (!there) return undefined;
      mustBeOurs(object, there);
      const { ownerReferences, resourceVersion: version } = there.metadata;
      if (ownerReferences.length === 0 || ownerReferences.some(one => one.uid === uid)) return there;
      await writer.remove(pathOf(object), { version }, { preconditions: { uid: there.metadata.uid } });
      return undefined;
    },
    async write(object, there, ignored = []) {
      // What comes of a list does not say of what kind it is.
      const { apiVersion: _version, kind: _kind, ...fields } = object;
      const differing = there ? differences(fields, there) : [];
      // That it has no pods to begin with is nobody's wish.
      const left = there && isBegun(there) ? [] : differing.filter(({ keys }) => isLeft(keys, ignored));
      if (there && differing.length === left.length) return;
      const known = { version: there?.metadata.resourceVersion, uid: there?.metadata.uid };
      const next = left.length > 0 ? withThere(object, left) : object;
      await writer.apply(next, known).catch((error: unknown) => {
        const conflicts = conflictsOf(error);
        if (conflicts.length === 0) throw error;
        const words = conflicts.map(({ manager, fields }) => `${manager} has ${fields.join(', ')}`).join('; ');
        onConflict(object.metadata.name, words);
        return writer.apply(next, known, { force: true });
      });
    },
  };
}

/** A Deployment that has no pods yet because what belongs to it is being made. */
export function isBegun({ metadata }: Pick<There, 'metadata'>): boolean {
  return metadata.annotations[marks.begun] !== undefined;
}

/** A field that the Server leaves to others. */
function isLeft(keys: readonly (string | number)[], ignored: readonly string[]): boolean {
  const field = fieldOf(keys);
  return field !== undefined && notIgnored([{ field, why: '' }], ignored).length === 0;
}
