import type { Clock } from '../../host/index.ts';
import { type Problem, ProblemError, problem } from '../../schema/index.ts';
import type { Upstream } from '../mcp/index.ts';
import type { Instance } from './instance.ts';

/** Gives calls to a server's instances, each in turn. */
export interface Rotation {
  /** An instance for a call; waits for one that is on its way. Rejects with the reason why there is none. */
  pick(timeoutMs: number): Promise<Upstream>;
  /** Something changed that calls may be waiting for. */
  wake(): void;
}

/** @param instances those there are now */
export function createRotation(server: string, instances: () => Instance[], clock: Clock): Rotation {
  const waiting = new Set<AbortController>();
  let turn = 0;

  function next(): Upstream | undefined {
    const pool = inRotation(instances()).flatMap(({ upstream }) => upstream ?? []);
    return pool[turn++ % Math.max(pool.length, 1)];
  }

  async function change(ms: number): Promise<void> {
    const woken = new AbortController();
    waiting.add(woken);
    await clock.sleep(ms, woken.signal);
    waiting.delete(woken);
  }

  return {
    async pick(timeoutMs) {
      const deadline = clock.ticks() + timeoutMs;
      for (;;) {
        const found = next();
        if (found) return found;
        const why = hopeless(server, instances());
        if (why) throw new ProblemError(why);
        const left = deadline - clock.ticks();
        if (left <= 0) throw new ProblemError(unavailable(server, 'it is still starting'));
        await change(left);
      }
    },
    wake() {
      for (const one of waiting) one.abort();
    },
  };
}

/** Those that are ready; when none is, whatever runs: it may still answer, and nothing else would. */
export function inRotation(instances: readonly Instance[]): Instance[] {
  const running = instances.filter(({ upstream }) => upstream !== undefined);
  const ready = running.filter(instance => instance.ready);
  return ready.length > 0 ? ready : running;
}

/** Why no instance will come soon. */
function hopeless(server: string, instances: readonly Instance[]): Problem | undefined {
  if (instances.length === 0) return unavailable(server, 'no instance of it is declared');
  if (instances.some(one => !one.waits && one.blocked === undefined)) return undefined;
  const [first] = instances.map(instance => instance.snapshot());
  return unavailable(server, first?.problem?.message ?? first?.message ?? 'it failed');
}

function unavailable(server: string, why: string): Problem {
  return problem('SERVER_UNREACHABLE', `server ${server} is not available: ${why}`, {
    resource: `server/${server}`,
    hint: 'see `mcpctl status`',
  });
}
