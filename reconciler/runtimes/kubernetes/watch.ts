import type { z } from 'zod';
import type { Clock } from '../../../host/index.ts';
import type { KubeApi } from './api.ts';
import { KubeRefusal } from './refusal.ts';

interface Named {
  metadata: { name: string; uid: string; resourceVersion: string };
}

export interface Cache<T> {
  /** By name; kept as long as nothing else is known, also while the cluster is away. */
  readonly items: ReadonlyMap<string, T>;
  /** Settles when the first list is there; rejects when it cannot be had at the first try. It is tried further. */
  ready: Promise<void>;
  /** Whether there ever was a list. */
  isListed(): boolean;
  /** Why there is no list yet, or why nothing is heard of changes, where that is not allowed: it is only listed then. */
  readonly unheard: unknown;
  /** What there is now, as the API says. */
  list(): Promise<T[]>;
  stop(): void;
}

interface Options<T extends Named> {
  api: KubeApi;
  clock: Clock;
  /** Of the list, without a query. */
  path: string;
  selector: string;
  item: z.ZodType<T>;
  /** How often it is listed anew: what a watch has missed, if it ever does, is not missed for long. */
  resyncMs: number;
  /** Told of every change; what is gone is told with its last state. @param first it is of the first list */
  onChange(type: 'set' | 'gone', item: T, first: boolean): void;
  /** It is heard again after it was not. */
  onReturn(): void;
}

const WATCH_SECONDS = 300;
const PAUSES_MS = [200, 500, 1_000, 2_000, 5_000];

/**
 * Everything of one kind, kept up to date: one list, then a watch with bookmarks. A watch that ends goes on from where it
 * was; one that is too old (410) begins with a new list, and so does one after a failure, and every so often another.
 */
export function watchKind<T extends Named>(options: Options<T>): Cache<T> {
  const { api, clock, path, item, onChange, resyncMs } = options;
  const items = new Map<string, T>();
  const stopping = new AbortController();
  const { signal } = stopping;
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  ready.catch(() => undefined);
  const selector = `labelSelector=${encodeURIComponent(options.selector)}`;
  let version = '';
  let failures = 0;
  let listed = false;
  let unheard: unknown;
  let listedAt = 0;

  function put(found: T): void {
    items.set(found.metadata.name, found);
    onChange('set', found, !listed);
  }

  function drop(found: T): void {
    items.delete(found.metadata.name);
    onChange('gone', found, !listed);
  }

  async function list(): Promise<{ found: T[]; at: string }> {
    const answer = (await api.get(`${path}?${selector}`)) as {
      items?: unknown[];
      metadata?: { resourceVersion?: string };
    };
    const found = (answer.items ?? []).flatMap(one => item.safeParse(one).data ?? []);
    return { found, at: answer.metadata?.resourceVersion ?? '' };
  }

  async function resync(): Promise<void> {
    const { found, at } = await list();
    const uids = new Set(found.map(({ metadata }) => metadata.uid));
    for (const one of [...items.values()]) if (!uids.has(one.metadata.uid)) drop(one);
    for (const one of found) {
      if (items.get(one.metadata.name)?.metadata.resourceVersion !== one.metadata.resourceVersion) put(one);
    }
    version = at;
  }

  function hear(line: string): void {
    const { type, object } = JSON.parse(line) as {
      type: string;
      object: { code?: number; metadata?: { resourceVersion?: string } };
    };
    if (type === 'ERROR') {
      version = '';
      throw new KubeRefusal(object.code ?? 410, object);
    }
    version = object.metadata?.resourceVersion ?? version;
    if (type === 'BOOKMARK') return;
    const found = item.safeParse(object);
    if (!found.success) return;
    if (type === 'DELETED') drop(found.data);
    else put(found.data);
  }

  /** A list where one is needed, then what happens after it. */
  async function follow(): Promise<void> {
    if (version === '' || clock.ticks() - listedAt >= resyncMs) {
      await resync();
      listedAt = clock.ticks();
    }
    resolve();
    listed = true;
    const seconds = Math.max(1, Math.ceil(Math.min(WATCH_SECONDS, (resyncMs - (clock.ticks() - listedAt)) / 1000)));
    const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=${seconds}&resourceVersion=${version}`;
    await api.lines(`${path}?${selector}&${query}`, signal, hear, heard);
  }

  function heard(): void {
    if (failures > 0) options.onReturn();
    failures = 0;
    unheard = undefined;
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await follow();
      } catch (error) {
        reject(error);
        version = '';
        const status = error instanceof KubeRefusal ? error.status : 0;
        unheard = !listed || status === 403 ? error : undefined;
        if (listed && status === 410) continue;
        await clock.sleep(PAUSES_MS[Math.min(failures++, PAUSES_MS.length - 1)] ?? 0, signal);
      }
    }
  }

  void run();
  return {
    items,
    ready,
    isListed: () => listed,
    get unheard() {
      return unheard;
    },
    list: () => list().then(({ found }) => found),
    stop: () => stopping.abort(),
  };
}
