import type { EventBus } from '../event-bus.ts';
import type { Deployments } from './deployments.ts';
import type { PodPlace } from './exec.ts';
import type { Writer } from './fence.ts';
import type { PodBook } from './pod-book.ts';
import type { Signals } from './signal.ts';
import type { Wishes } from './wishes.ts';
import type { Yard } from './yard.ts';

/** Where the pods are, and the ways to write there. */
export interface Place extends Yard {
  servers: Deployments;
  writer: Writer;
}

/** What the parts of one runtime have in common. */
export interface Workings {
  book: PodBook;
  bus: EventBus;
  /** Raised by the name of a Deployment whenever it, or a pod of it, has changed. */
  changes: Signals;
  wishes: Wishes;
  /** Deployments that are being written: what happens to them is no drift. */
  writing: Set<string>;
  /** Between SIGTERM and SIGKILL. */
  graceMs: number;
  /** Undefined before the cluster is first asked. */
  place(): Place | undefined;
  /** Nothing is started any more. */
  closed(): boolean;
}

interface PodName {
  namespace: string;
  name: string;
}

/** How long a pod may take to run before the caller is told that it does not; it is waited for again then. */
export const START_MS = 50_000;

export function podAt({ api }: Place, { namespace, name }: PodName): PodPlace {
  return { api, namespace, pod: name };
}

export function podPath({ namespace, name }: PodName): string {
  return `/api/v1/namespaces/${namespace}/pods/${name}`;
}
