import type { TraceContext } from '../host/index.ts';
import type { Exposure, Problem, Prompt, ResourceId } from '../schema/index.ts';
import type { TimedEvent } from './events.ts';
import type { InstanceDetail, LogPage } from './instances/index.ts';
import type { Surface, Upstream } from './mcp/index.ts';
import type { Status } from './status.ts';

/** A server as a project's clients see it. */
export interface ServedServer {
  name: string;
  /** Kept while an instance restarts, so that lists do not flicker; empty when nothing was ever served. */
  surface: Surface;
  /**
   * A connected instance to send a request to (each in turn). Waits up to `timeoutMs` for one that is starting.
   * Rejects with a ProblemError that says why there is none.
   */
  upstream(timeoutMs: number): Promise<Upstream>;
}

export interface ServedPrompt {
  name: string;
  spec: Prompt;
}

/** One project, as it is served now. Servers and prompts are sorted by name. */
export interface ServedProject extends Exposure {
  name: string;
  instructions: string | undefined;
  /** Whether its clients may propose prompts and skills. */
  proposals: boolean;
  servers: readonly ServedServer[];
  prompts: readonly ServedPrompt[];
}

/** What the gateway may know and ask of the reconciler. */
export interface ReconcilerView {
  project(name: string): ServedProject | undefined;
  status(): Status;
  /**
   * The commit that is in service, null before the first; and what is held back: id → the commit that it is as of, null
   * when it is not in service at all.
   */
  inService(): { commit: string | null; held: Record<ResourceId, string | null> };
  /**
   * What an instance wrote; undefined when there is none of that id.
   * @param after the cursor of an earlier page: only what came later
   */
  logs(instance: string, after?: string): LogPage | undefined;
  /** The events after a sequence number, oldest first; 0 gives all that are kept. */
  events(after: number): TimedEvent[];
  /** Called after each event. Returns the way to stop listening. */
  onEvent(listener: () => void): () => void;
  /** Fetch and reconcile now; bursts coalesce. @param parent the trace that goes on with it */
  poke(parent?: TraceContext): void;
  /** Let nothing wait for its next try. */
  retryNow(): void;
  /** Everything about one instance; undefined when there is none of that id. */
  instance(id: string): InstanceDetail | undefined;
  /**
   * Replace a server's instances (or one instance) by the same, as its strategy says.
   * @returns false when nothing of that name runs
   */
  restart(name: string): boolean;
  /**
   * Take over no commit any more, or (with a server) no change of that server; what runs is looked after all the same.
   * Kept over restarts of the daemon.
   * @returns false when there is no such server
   * @throws ProblemError STATE_UNUSABLE
   */
  suspend(server: string | undefined, suspended: boolean): boolean;
  /**
   * Let a commit remove what it removes, however much it is, and reconcile now.
   * @param commit the one whose removals wait, in full
   * @returns why not
   */
  allowPrune(commit: string): Problem | undefined;
  /** Called with the names of the projects whose lists changed. Returns the way to stop listening. */
  onProjectsChanged(listener: (change: { tools: string[]; prompts: string[] }) => void): () => void;
}
