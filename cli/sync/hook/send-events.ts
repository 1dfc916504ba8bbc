import { findGateway } from '../../contexts.ts';
import { emptyOutbox } from '../outbox.ts';
import type { Places } from '../places.ts';

const TIMEOUT_MS = 10_000;
/** Not what a gateway takes for events, or too large. */
const REFUSED = new Set([400, 413]);

/** Tell the current gateway what happened to skills on this machine. */
export async function sendEvents(
  places: Places,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Promise<void> {
  const { url, token } = await findGateway({ env, cwd }, {});
  const post = async (events: readonly unknown[]): Promise<boolean> => {
    const answer = await fetch(`${url}/api/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ events }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error',
    });
    if (answer.ok) return true;
    if (REFUSED.has(answer.status)) return false;
    throw new Error(`HTTP ${answer.status}`);
  };
  await emptyOutbox(places, async events => {
    if (await post(events)) return;
    // One that this gateway does not understand must not keep the others back; it is refused later just the same.
    for (const event of events) await post([event]);
  });
}
