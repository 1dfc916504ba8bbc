import type { Problem } from '../../schema/index.ts';

/** What a sync did, as `-o json` prints it. */
export interface SyncReport {
  /** Ids of skills; of one that is in several clients’ folders, once for each. */
  installed: string[];
  updated: string[];
  skipped: string[];
  removed: string[];
  /** Left alone although something else was wanted: edited here, or not put there by mcpctl. */
  preserved: string[];
  postInstallsRan: string[];
  postInstallsSkipped: string[];
  /** `skill/review PostToolUse` */
  hooksApplied: string[];
  /** `project/demo/skill/review memory` */
  mcpServersAttached: string[];
  errors: Problem[];
  exitCode: number;
}

/** A report, and what is only told to people. */
export interface SyncOutcome {
  report: SyncReport;
  warnings: Problem[];
  /** Entries of a client’s folder came, went or lead somewhere else now. */
  changed: boolean;
  /** The release’s name, or the commit’s id in short; empty when there was none. */
  at: string;
}

export function emptyReport(): SyncReport {
  return {
    installed: [],
    updated: [],
    skipped: [],
    removed: [],
    preserved: [],
    postInstallsRan: [],
    postInstallsSkipped: [],
    hooksApplied: [],
    mcpServersAttached: [],
    errors: [],
    exitCode: 0,
  };
}
