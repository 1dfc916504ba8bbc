import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
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

/** Put events into the queue on disk, and let a process of its own send them. Best effort; waits for nobody. */
export function postEvents(
  places: Places,
  env: Readonly<Record<string, string | undefined>>,
  events: readonly MachineEvent[],
): void {
  if (events.length === 0 || !existsSync(join(places.home, 'config.yaml'))) return;
  try {
    mkdirSync(dirname(places.outbox), { recursive: true, mode: 0o700 });
    const size = existsSync(places.outbox) ? statSync(places.outbox).size : 0;
    // A gateway that was away for so long misses the oldest.
    if (size > MAX_QUEUE_BYTES) rmSync(places.outbox);
    appendFileSync(places.outbox, events.map(event => `${JSON.stringify(event)}\n`).join(''), { mode: 0o600 });
    const program = fileURLToPath(new URL('./hook/main.ts', import.meta.url));
    const child = spawn(process.execPath, [program, '--send'], { env, detached: true, stdio: 'ignore' });
    child.on('error', () => undefined);
    child.unref();
  } catch {
    // What is told of a machine must not keep it from working.
  }
}

/**
 * Send what is queued. What could not be sent is queued again, before what came meanwhile.
 * @param send resolves when the gateway has taken a batch
 */
export async function emptyOutbox(places: Places, send: (events: unknown[]) => Promise<void>): Promise<void> {
  const taken = `${places.outbox}.${process.pid}`;
  try {
    renameSync(places.outbox, taken);
  } catch {
    return;
  }
  const lines = readFileSync(taken, 'utf8').split('\n').filter(Boolean);
  try {
    while (lines.length > 0) {
      await send(lines.slice(0, BATCH).flatMap(parsed));
      lines.splice(0, BATCH);
    }
  } catch {
    appendFileSync(places.outbox, lines.map(line => `${line}\n`).join(''), { mode: 0o600 });
  }
  rmSync(taken, { force: true });
}

function parsed(line: string): unknown[] {
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}
