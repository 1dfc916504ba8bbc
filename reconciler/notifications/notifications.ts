import { createHttpClient, type HttpClient, redact } from '../../host/index.ts';
import { type Catalog, type NotificationEvent, type Problem, problem, type SecretRef } from '../../schema/index.ts';
import { type SecretSources, secretValue } from '../secrets/index.ts';
import type { Status } from '../status.ts';
import { noticesOf, type Told } from './changes.ts';
import { createSender, type Sender } from './sender.ts';

export interface NotificationOptions {
  /** Where the secrets come from that the repository names. */
  secrets: SecretSources;
  /** Addresses given by whoever runs the daemon, which may be of this machine's own network. */
  own: readonly { url: string; secret: string }[];
  /** Milliseconds before each further try. */
  pauses?: readonly number[];
}

export interface Notifications {
  /** Tell what is new in a status. Returns at once. */
  status(status: Status, catalog: Catalog | undefined): void;
  close(): Promise<void>;
}

/** Whom to tell, of what, and with which key. */
interface Target {
  url: string;
  events: readonly NotificationEvent[] | undefined;
  secret(): Promise<string>;
  http: HttpClient;
}

/** @param applied the commit that was in service when the daemon last ended: nobody is told of it again */
export function openNotifications(
  options: NotificationOptions,
  applied: string | undefined,
  report: (found: Problem) => void,
): Notifications {
  // A repository is only partly trusted: what it names must be out in the open.
  const outside = createHttpClient({ headersTimeoutMs: 10_000 });
  const anywhere = createHttpClient({ headersTimeoutMs: 10_000, allowLoopback: true, allowPrivate: true });
  const senders = new Map<string, Sender>();
  let told: Told = { applied, stalled: undefined, degraded: undefined };

  function senderFor(url: string): Sender {
    const known = senders.get(url);
    if (known) return known;
    const failed = (where: string, why: string) => report(failure(where, why));
    const sender = createSender({ ...(options.pauses && { pauses: options.pauses }), failed });
    senders.set(url, sender);
    return sender;
  }

  function targets(catalog: Catalog | undefined): Target[] {
    const declared = catalog?.repository?.spec.notifications ?? [];
    return [
      ...options.own.map(({ url, secret }) => ({ url, events: undefined, secret: async () => secret, http: anywhere })),
      ...declared.map(({ url, events, secretRef }) => ({
        url,
        events,
        secret: () => secretOf(catalog, secretRef, options.secrets),
        http: outside,
      })),
    ];
  }

  return {
    status(status, catalog) {
      const next = noticesOf(told, status);
      told = next.told;
      if (next.notices.length === 0) return;
      const all = targets(catalog);
      forget(new Set(all.map(({ url }) => url)));
      for (const notice of next.notices) {
        const { repository, revision } = status;
        const body = { ...notice, time: new Date().toISOString(), repository, revision };
        for (const { url, events, secret, http } of all) {
          if (events?.includes(notice.type) ?? true) senderFor(url).add({ url, secret, http, body });
        }
      }
    },
    async close() {
      forget(new Set());
      await Promise.all([outside.close(), anywhere.close()]);
    },
  };

  function forget(wanted: ReadonlySet<string>): void {
    for (const [url, sender] of senders) {
      if (wanted.has(url)) continue;
      sender.close();
      senders.delete(url);
    }
  }
}

async function secretOf(catalog: Catalog | undefined, secretRef: SecretRef, sources: SecretSources): Promise<string> {
  const found = await secretValue(catalog, secretRef, sources);
  if ('problem' in found) throw new Error(`secret resolution failed: ${found.problem.message}`);
  return found.value;
}

/** The path and query of a webhook's address are often its password. */
function failure(url: string, why: string): Problem {
  const where = URL.parse(url)?.host ?? 'an address';
  return problem('NOTIFICATION_FAILED', `A notification to ${where} was given up: ${redact(why, [url], 300)}`);
}
