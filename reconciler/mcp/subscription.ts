import type { Peer } from './peer.ts';

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;

/**
 * Ask a modern server to tell of changed lists (`subscriptions/listen`), for as long as the connection lasts.
 * @param reopen whether the subscription has a stream of its own (HTTP) that is opened again when it ends
 * @param onReopened called then: changes meanwhile were not told
 */
export function subscribe(
  peer: Peer,
  notifications: Record<string, boolean>,
  reopen: boolean,
  onReopened: () => void,
): void {
  let lost = false;
  let delay = FIRST_RETRY_MS;
  void peer.closed.then(() => {
    lost = true;
  });
  listen();

  function listen(): void {
    const startedAt = Date.now();
    peer
      .request('subscriptions/listen', { notifications }, { timeoutMs: Number.POSITIVE_INFINITY })
      .catch(() => undefined)
      .then(() => {
        if (lost || !reopen) return;
        delay = Date.now() - startedAt > LAST_RETRY_MS ? FIRST_RETRY_MS : Math.min(delay * 2, LAST_RETRY_MS);
        setTimeout(() => {
          if (lost) return;
          listen();
          onReopened();
        }, delay).unref();
      });
  }
}
