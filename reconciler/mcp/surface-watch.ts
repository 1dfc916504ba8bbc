import type { Problem } from '../../schema/index.ts';
import type { Handshake } from './handshake.ts';
import type { Peer } from './peer.ts';
import { type ListKind, listAll } from './surface.ts';
import type { Surface } from './upstream.ts';

export interface SurfaceWatch {
  readonly current: Surface;
  /** Resolves when everything was listed once; rejects when the server did not answer. */
  readonly ready: Promise<void>;
  /** List again what changed; one listing at a time, and one more for all that changed meanwhile. */
  refresh(kind: ListKind): void;
  onChanged(listener: () => void): () => void;
}

export interface WatchOptions {
  name: string;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  onProblem: (problem: Problem) => void;
}

/** List what a server offers, and again what `refresh` is called for, also while the first listing is on its way. */
export function watchSurface(peer: Peer, handshake: Handshake, options: WatchOptions): SurfaceWatch {
  const listeners = new Set<() => void>();
  const stale = new Set<ListKind>();
  let current: Surface = { tools: [], prompts: [] };
  let busy = true;

  return {
    ready: listFirst(),
    get current() {
      return current;
    },
    refresh(kind) {
      stale.add(kind);
      if (!busy) void relist();
    },
    onChanged(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };

  async function listFirst(): Promise<void> {
    const [tools, prompts] = await Promise.all([list('tools', options.signal), list('prompts', options.signal)]);
    current = { tools: tools ?? [], prompts: prompts ?? [] };
    void relist();
  }

  function list(kind: ListKind, signal?: AbortSignal) {
    return handshake.capabilities[kind] ? listAll(peer, kind, { ...options, signal }) : [];
  }

  async function relist(): Promise<void> {
    busy = true;
    while (stale.size > 0) {
      const [kind] = stale;
      if (!kind) break;
      stale.delete(kind);
      // A connection that is lost meanwhile says so by itself.
      const listed = await Promise.resolve(list(kind)).catch(() => undefined);
      if (!listed || JSON.stringify(listed) === JSON.stringify(current[kind])) continue;
      current = { ...current, [kind]: listed };
      for (const listener of listeners) listener();
    }
    busy = false;
  }
}
