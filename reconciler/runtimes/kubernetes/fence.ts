import { z } from 'zod';
import { ProblemError, problem } from '../../../schema/index.ts';
import type { KubeApi } from './api.ts';
import { generationOf } from './found.ts';
import type { Lead } from './lead.ts';
import { marks } from './marks.ts';
import { type KubeObject, pathOf } from './objects.ts';
import { conflictsOf, KubeRefusal } from './refusal.ts';

/** What is known of an object: its version, and nothing where it is not there. */
interface Known {
  version: string | undefined;
  /** Without it the API makes anew what is not there any more, whatever the version. */
  uid?: string | undefined;
}

/** The writing half of the API, for the process that leads. Everything throws ProblemError KUBE_NOT_LEADING. */
export interface Writer {
  apply(object: KubeObject, known: Known, options?: { force?: boolean }): Promise<unknown>;
  merge(path: string, patch: MergePatch, known: Known): Promise<unknown>;
  remove(path: string, known: Known, options?: Record<string, unknown>): Promise<void>;
}

interface MergePatch {
  metadata?: { annotations?: Record<string, string>; labels?: Record<string, string> };
  [field: string]: unknown;
}

const TRIES = 6;

const There = z.object({
  metadata: z.object({
    uid: z.string(),
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
});

/**
 * Writes of a leader. Right before each, the API is asked whether this process still leads; each carries the leader's
 * generation, and the version of the object that it is meant for. So one that lost the lead between question and write is
 * refused where the next leader has written meanwhile, and that begins by writing its generation on everything there is.
 */
export function fenceWrites(api: KubeApi, lead: Pick<Lead, 'check'>): Writer {
  async function look(path: string): Promise<{ version: string; uid: string; generation: number } | undefined> {
    try {
      const { metadata } = There.parse(await api.get(path));
      return { version: metadata.resourceVersion, uid: metadata.uid, generation: generationOf(metadata) };
    } catch (error) {
      if (error instanceof KubeRefusal && error.status === 404) return undefined;
      throw error;
    }
  }

  /** The cluster itself writes on objects, too: what was refused for its version alone is tried with a newer one. */
  async function guarded<T>(
    path: string,
    known: Known,
    write: (generation: number, known: Known) => Promise<T>,
  ): Promise<T> {
    for (let tries = 1; ; tries++) {
      const generation = await lead.check();
      try {
        return await write(generation, known);
      } catch (error) {
        if (!isOutdated(error, known.version) || tries >= TRIES) throw error;
        const there = await look(path);
        // What is not there any more is begun anew, and not by this write.
        if (!there && known.uid !== undefined) throw error;
        if (there && there.generation > generation) throw overtaken(path);
        known = { version: there?.version, uid: known.uid === undefined ? undefined : there?.uid };
      }
    }
  }

  return {
    apply: (object, known, { force = false } = {}) =>
      guarded(pathOf(object), known, (generation, { version, uid }) =>
        api.apply(signed(object, generation), { force, version, uid }),
      ),
    merge: (path, patch, known) =>
      guarded(path, known, (generation, { version }) => {
        const annotations = { ...patch.metadata?.annotations, [marks.generation]: String(generation) };
        const metadata = { ...patch.metadata, annotations, ...(version !== undefined && { resourceVersion: version }) };
        return api.merge(path, { ...patch, metadata });
      }),
    remove: (path, known, options) =>
      guarded(path, known, (_generation, { version }) => {
        const preconditions = {
          ...(options?.preconditions as object),
          ...(version !== undefined && { resourceVersion: version }),
        };
        return api.remove(path, { ...options, ...(Object.keys(preconditions).length > 0 && { preconditions }) });
      }),
  };
}

function signed(object: KubeObject, generation: number): KubeObject {
  const annotations = { ...object.metadata.annotations, [marks.generation]: String(generation) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

function isOutdated(error: unknown, version: string | undefined): boolean {
  if (!(error instanceof KubeRefusal) || version === undefined) return false;
  return error.status === 404 || (error.status === 409 && conflictsOf(error).length === 0);
}

function overtaken(path: string): ProblemError {
  return new ProblemError(problem('KUBE_NOT_LEADING', `${path} was written by a newer leader`));
}
