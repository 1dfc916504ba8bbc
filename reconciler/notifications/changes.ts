import type { NotificationEvent } from '../../schema/index.ts';
import type { Status } from '../status.ts';

/** One thing worth telling. */
export interface Notice {
  type: NotificationEvent;
  reason: string;
  message: string;
}

/** What was told last. */
export interface Told {
  applied: string | undefined;
  /** Reason and message of what is stalled, held back or degraded; undefined where nothing is. */
  stalled: string | undefined;
  degraded: string | undefined;
}

/** What is worth telling, now that the status is this one. Pure. */
export function noticesOf(told: Told, status: Status): { notices: Notice[]; told: Told } {
  const { applied } = status.revision;
  const stalled = trouble(status, 'Stalled');
  const degraded = sourceTrouble(status) ?? trouble(status, 'Degraded');
  const now: Told = { applied: applied ?? told.applied, stalled: keyOf(stalled), degraded: keyOf(degraded) };
  const notices: Notice[] = [];
  if (applied !== undefined && applied !== told.applied) {
    notices.push({ type: 'applied', reason: 'Applied', message: `commit ${applied.slice(0, 12)} is in service` });
  }
  if (stalled && now.stalled !== told.stalled) {
    notices.push({ type: stalled.reason === 'PruneHeld' ? 'prune-held' : 'stalled', ...stalled });
  }
  if (degraded && now.degraded !== told.degraded) notices.push({ type: 'degraded', ...degraded });
  const wasTroubled = told.stalled !== undefined || told.degraded !== undefined;
  if (wasTroubled && !stalled && !degraded) {
    notices.push({ type: 'recovered', reason: 'Recovered', message: 'nothing is stalled or degraded any more' });
  }
  return { notices, told: now };
}

function trouble({ conditions }: Status, type: 'Stalled' | 'Degraded'): Omit<Notice, 'type'> | undefined {
  const found = conditions.find(one => one.type === type && one.status === 'True');
  return found && { reason: found.reason, message: found.message };
}

/** The repository cannot be fetched or read, so nothing new can come. */
function sourceTrouble({ conditions }: Status): Omit<Notice, 'type'> | undefined {
  const found = conditions.find(one => one.type === 'Ready' && one.reason === 'SourceFailed');
  return found && { reason: found.reason, message: found.message };
}

/** Names and codes, but not the words: a server's own may differ at every try. */
function keyOf(found: Omit<Notice, 'type'> | undefined): string | undefined {
  if (!found) return undefined;
  return found.reason === 'SourceFailed' ? found.reason : `${found.reason}: ${found.message}`;
}
