import { join } from 'node:path';

/** Where everything of `skills sync` lies below mcpctl’s home. */
export interface Places {
  home: string;
  /** What this machine was told: where skills come from, and into which clients. */
  config: string;
  state: string;
  lock: string;
  /** What was put into settings files. */
  ledger: string;
  /** Pristine bundles by content digest; nobody edits them. */
  store: string;
  /** Working copies, to which the entries in clients’ folders lead. */
  live: string;
  /** What people had changed, when it had to make room. */
  kept: string;
  /** Per skill: logs of its scripts. */
  logs: string;
  /** The thin copy of the repository. */
  copy: string;
  /** Events for the gateway that it did not take yet. */
  outbox: string;
  /** Those of them that are being sent. */
  sending: string;
  /** When the remote was asked last, and how often it did not answer. */
  checked: string;
}

export function placesIn(home: string): Places {
  return {
    home,
    config: join(home, 'skills.json'),
    state: join(home, 'skills-state.json'),
    lock: join(home, 'skills.lock'),
    ledger: join(home, 'hooks.json'),
    store: join(home, 'store'),
    live: join(home, 'live'),
    kept: join(home, 'kept'),
    logs: join(home, 'skills'),
    copy: join(home, 'sync', 'copy.git'),
    outbox: join(home, 'sync', 'events.jsonl'),
    sending: join(home, 'sync', 'sending.jsonl'),
    checked: join(home, 'sync', 'checked.json'),
  };
}

/** Whether a path is that of a working copy of ours. */
export function isOurs(places: Places, live: string): boolean {
  return live.startsWith(`${places.live}/`) || live.startsWith(`${places.live}\\`);
}
