import { setTimeout as sleep } from 'node:timers/promises';
import { acquireLock, ensurePrivateDir } from '../../host/index.ts';
import { ProblemError, problem } from '../../schema/index.ts';
import type { Places } from './places.ts';
import { ticks } from './ticks.ts';

const LOCK_WAIT_MS = 30_000;
const LOCK_PAUSE_MS = 50;

/** One sync at a time on a machine; the others wait. @throws ProblemError SKILLS_BUSY, SKILLS_STATE_UNUSABLE */
export async function underLock<T>(places: Places, signal: AbortSignal, use: () => Promise<T>): Promise<T> {
  const release = await takeLock(places, signal);
  try {
    return await use();
  } finally {
    release();
  }
}

async function takeLock(places: Places, signal: AbortSignal): Promise<() => void> {
  const deadline = ticks() + LOCK_WAIT_MS;
  for (;;) {
    signal.throwIfAborted();
    let release: (() => void) | undefined;
    try {
      await ensurePrivateDir(places.home);
      release = acquireLock(places.lock);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ProblemError(problem('SKILLS_STATE_UNUSABLE', `${places.lock}: ${why}`), { cause });
    }
    if (release) return release;
    if (ticks() > deadline) throw new ProblemError(problem('SKILLS_BUSY', 'another sync is under way'));
    await sleep(LOCK_PAUSE_MS);
  }
}
