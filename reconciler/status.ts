import type { Problem } from '../schema/index.ts';

/** A condition as Kubernetes has them; `since` is an ISO 8601 time. */
export interface Condition {
  type: 'Ready' | 'Reconciling' | 'Stalled' | 'Degraded' | 'Unsandboxed';
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  /** The commit this was observed at. */
  observedRevision?: string;
  since: string;
}

/** The instance's life; an external server (`url`) has instances too. */
export type InstanceState = 'Pending' | 'Starting' | 'Running' | 'Error' | 'Stopping';

export interface InstanceStatus {
  id: string;
  state: InstanceState;
  /** Running: it has answered `initialize` and listed what it offers. */
  ready: boolean;
  since: string;
  pid?: number;
  /** How often it was started again after it had ended by itself. */
  restarts: number;
  /** Milliseconds from the start of its process until it had answered `initialize` and listed its tools. */
  startMs?: number;
  /** When it is tried next, while it waits. */
  nextRetryAt?: string;
  /** Why it is not Running. */
  problem?: Problem;
  /** Why nothing keeps it from what it should not reach; left out when it is isolated. */
  unsandboxed?: string;
  /** What is wrong with it but ended nothing: a tool that was dropped, lines that are not JSON-RPC. */
  notices?: Problem[];
}

export interface ServerStatus {
  name: string;
  /** The commit at which the content in service was accepted. */
  revision: string;
  conditions: Condition[];
  instances: InstanceStatus[];
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

/** The whole truth about one daemon, as `mcpctl status -o json` and `GET /api/v1/status` show it. */
export interface Status {
  repository: { id?: string; display: string; ref: string; path: string; mode: 'open' };
  /** `fetched`: the newest commit seen; `applied`: the newest commit accepted and acted on. */
  revision: { fetched?: string; applied?: string };
  conditions: Condition[];
  servers: ServerStatus[];
  projects: ProjectStatus[];
  /** Every problem of the newest commit and of the running servers, in stable order. */
  problems: Problem[];
}
