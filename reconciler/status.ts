import type { Problem, ResourceId } from '../schema/index.ts';
import type { Drift } from './drift.ts';
import type { Held } from './prune/index.ts';

/** A condition as Kubernetes has them; `since` is an ISO 8601 time. */
export interface Condition {
  type: 'Ready' | 'Reconciling' | 'Stalled' | 'Degraded' | 'Unsandboxed' | 'Trusted' | 'Stale';
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  /** The commit this was observed at. */
  observedRevision?: string;
  since: string;
}

/** The instance's life; an external server (`url`) has instances too. */
export type InstanceState = 'Pending' | 'Starting' | 'Running' | 'Error' | 'Stopping';

/** What is special about an instance's state. */
export type InstanceReason =
  /** It waits for what it depends on. */
  | 'Blocked'
  /** It ended by itself, and is started again at once. */
  | 'Restarting'
  /** It comes up, and ends by itself again and again. */
  | 'CrashLoop'
  /** It does not come up. */
  | 'StartFailing'
  /** Its tool has not answered yet. */
  | 'NotReady'
  /** Its checks fail. */
  | 'Unhealthy'
  /** It ends as soon as the calls that are under way have. */
  | 'Draining';

export interface InstanceHealth {
  /** `unknown`: its tool has not answered yet. */
  state: 'unknown' | 'healthy' | 'degraded' | 'unhealthy';
  since: string;
  /** Failed checks in a row. */
  failures: number;
  /** What the last check found, in the server's own words; left out when it found nothing wrong. */
  message?: string;
}

export interface InstanceStatus {
  id: string;
  state: InstanceState;
  reason?: InstanceReason;
  /** It is given calls: it has answered `initialize`, listed what it offers, and is not unhealthy. */
  ready: boolean;
  since: string;
  pid?: number;
  /** How often it was started again after it had ended by itself. */
  restarts: number;
  /** Starts since it last was Running. */
  attempt: number;
  lastAttemptAt?: string;
  /** Milliseconds from the start of its process until it had answered `initialize` and listed its tools. */
  startMs?: number;
  /** When it is tried next, while it waits. */
  nextRetryAt?: string;
  /** While it is Starting or Stopping: by when its state will be another one. */
  deadline?: string;
  /** While it is Running. */
  health?: InstanceHealth;
  /** Why it is not Running. */
  problem?: Problem;
  /** What it waits for before it starts. */
  message?: string;
  /** Why nothing keeps it from what it should not reach; left out when it is isolated. */
  unsandboxed?: string;
  /** What is wrong with it but ended nothing: a tool that was dropped, lines that are not JSON-RPC. */
  notices?: Problem[];
}

/** Why a server's newest spec is not all that runs. */
export interface RolloutStatus {
  /**
   * `Progressing`: its instances are being replaced; `Blocked`: it waits for other servers; `Waiting`: what the newest
   * spec needs is not there, what runs is kept; `RolledBack`: the newest spec never got ready, the one before is kept.
   */
  state: 'Progressing' | 'Blocked' | 'Waiting' | 'RolledBack';
  message: string;
  problem?: Problem;
  /** How often it was tried. */
  attempt?: number;
  nextRetryAt?: string;
}

export interface ServerStatus {
  name: string;
  /** The commit at which the content in service was accepted. */
  revision: string;
  conditions: Condition[];
  instances: InstanceStatus[];
  rollout?: RolloutStatus;
  /** No change of it is taken over, because somebody has suspended it. */
  suspendedSince?: string;
  tools: number;
  prompts: number;
}

export interface ProjectStatus {
  name: string;
  revision: string;
  /** URL path of its endpoint on the gateway. */
  endpoint: string;
  servers: string[];
  prompts: string[];
  conditions: Condition[];
}

/** What is not declared any more, and is there nevertheless. */
export interface PruneStatus {
  /** Removals that wait for `mcpctl reconcile --allow-prune COMMIT`. */
  held?: Held;
  /** Resources that say `prune: never`, sorted. */
  kept: ResourceId[];
  /** Instances that could not be ended, sorted; tried again at every turn. */
  failed: string[];
}

/** The whole truth about one daemon, as `mcpctl status -o json` and `GET /api/v1/status` show it. */
export interface Status {
  repository: { id?: string; display: string; ref: string; path: string; mode: 'open' | 'forge' | 'release' };
  /** The newest release that was accepted, where only releases are followed. */
  release?: {
    version: string;
    sequence: number;
    signer: string;
    rootVersion: number;
    releasedAt: string;
    commit: string;
  };
  /** `fetched`: the newest commit seen; `applied`: the newest commit accepted and acted on. */
  revision: { fetched?: string; applied?: string };
  /** No commit is taken over, because somebody has suspended that. */
  suspendedSince?: string;
  conditions: Condition[];
  servers: ServerStatus[];
  projects: ProjectStatus[];
  /** Left out when nothing of it is so. */
  prune?: PruneStatus;
  /** How many seconds failing starts wait, where somebody has said so. */
  backoff?: { seconds: readonly number[]; from: '--backoff' | 'mcpctl.yaml' };
  /** Instances that were changed behind our back, and are left so. Left out when there are none. */
  drift?: Drift[];
  /** Every problem of the newest commit and of the running servers, in stable order. */
  problems: Problem[];
}
