import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { acquireLock } from '../../host/index.ts';
import type { MachineEvent } from '../../schema/index.ts';
import type { Places } from './places.ts';
import type { ScriptsOutcome } from './scripts/scripts.ts';
import type { InstalledSkill } from './state.ts';

const MAX_QUEUE_BYTES = 1024 * 1024;
const BATCH = 256;

type ScriptRun = ScriptsOutcome['results'][number];

/** An event about a skill. @param run the script that ran, where one did */
export function eventOf(
  skill: InstalledSkill,
  action: MachineEvent['action'],
  now: number,
  run?: ScriptRun['result'],
): MachineEvent {
  const { id, scope, version, release, digest } = skill;
  return {
    ...{ id: randomUUID(), at: new Date(now).toISOString(), machine: hostname().slice(0, 256) },
    ...(scope !== 'global' && { project: scope.slice('project/'.length) }),
    skill: id,
    ...(version !== undefined && { version }),
    ...(release !== undefined && { release }),
    ...{ digest, action, verified: release !== undefined },
    ...(run && {
      ...{ script: run.script, scriptSha256: run.sha256, exitCode: run.exitCode, signal: run.signal },
      ...{ timedOut: run.timedOut, durationMs: run.durationMs },
    }),
  };
}

/**
 * Put events into the queue on disk, and let a process of its own send what is in it. Best effort; waits for nobody.
 * @param events none where only what could not be sent before is to be
 */
export function postEvents(
  places: Places,
  env: Readonly<Record<string, string | undefined>>,
  events: readonly MachineEvent[],
): void {
  if (!existsSync(join(places.home, 'config.yaml'))) return;
  try {
    if (events.length > 0) queue(places, events);
    if (!existsSync(places.outbox) && !existsSync(places.sending)) return;
    const program = fileURLToPath(new URL('./hook/main.ts', import.meta.url));
    const child = spawn(process.execPath, [program, '--send'], { env, detached: true, stdio: 'ignore' });
    child.on('error', () => undefined);
    child.unref();
  } catch {
    // What is told of a machine must not keep it from working.
  }
}

function queue({ outbox }: Places, events: readonly MachineEvent[]): void {
  mkdirSync(dirname(outbox), { recursive: true, mode: 0o700 });
  const size = existsSync(outbox) ? statSync(outbox).size : 0;
  // A gateway that was away for so long misses the oldest.
  if (size > MAX_QUEUE_BYTES) rmSync(outbox);
  appendFileSync(outbox, events.map(event => `${JSON.stringify(event)}\n`).join(''), { mode: 0o600 });
}

/**
 * Send what is queued. What could not be sent, and what a killed sender left, comes first the next time; a gateway keeps
 * once what it is told twice. One sender at a time; it looks again before it ends.
 * @param send resolves when the gateway has taken a batch
 */
export async function emptyOutbox(
  { outbox, sending }: Places,
  send: (events: unknown[]) => Promise<void>,
): Promise<void> {
  const release = acquireLock(`${outbox}.lock`);
  if (!release) return;
  try {
    for (;;) {
      if (!existsSync(sending)) {
        if (!existsSync(outbox)) return;
        renameSync(outbox, sending);
      }
      const events = readFileSync(sending, 'utf8').split('\n').filter(Boolean).flatMap(parsed);
      for (let from = 0; from < events.length; from += BATCH) await send(events.slice(from, from + BATCH));
      rmSync(sending);
    }
  } finally {
    release();
  }
}

function parsed(line: string): unknown[] {
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}
