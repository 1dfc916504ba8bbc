import { findGateway } from '../../contexts.ts';
import { emptyOutbox } from '../outbox.ts';
import type { Places } from '../places.ts';

const TIMEOUT_MS = 10_000;

/** Tell the current gateway what happened to skills on this machine. */
export async function sendEvents(
  places: Places,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Promise<void> {
  const { url, token } = await findGateway({ env, cwd }, {});
  await emptyOutbox(places, async events => {
    const answer = await fetch(`${url}/api/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ events }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error',
    });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  });
}
