import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ReconcilerEvent } from '../../reconciler/index.ts';
import { createMachine, type Machine, openMemoryRuntime } from '../../reconciler/runtimes/index.ts';
import type { Declared } from './declared.ts';
import { honest, type RuntimeFaults } from './lying-runtime.ts';
import type { NetworkFaults } from './network.ts';
import { simulatedPrograms } from './programs.ts';
import { createRemote, type Remote, type SourceFaults } from './remote.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

/** Whose instances the reconciler's are. */
export const OWNER = 'ours';
const SOMEBODY = 'somebody else';

/** Everything that is there when no daemon runs. */
export interface World {
  readonly clock: VirtualClock;
  readonly machine: Machine;
  readonly remote: Remote;
  /** Where the daemon keeps its state. */
  readonly stateFile: string;
  readonly faults: {
    source: SourceFaults;
    runtime: RuntimeFaults;
    network: NetworkFaults;
    prepare: 'answers' | 'hangs';
  };
  /** The daemon's environment, which has the secrets. */
  readonly env: Record<string, string>;
  readonly trace: Trace;
  /** What must not happen, and did. */
  readonly violations: Violation[];
  violated(invariant: Invariant, words: string): void;
}

export type Invariant = 'converges' | 'surge' | 'unowned' | 'accident' | 'secrets' | 'stuck' | 'rotation' | 'crash';

export interface Violation {
  invariant: Invariant;
  words: string;
}

/** What happened, line by line. */
export interface Trace {
  add(words: string): void;
  readonly lines: readonly string[];
  digest(): string;
}

export function createWorld(first: Declared, folder: string): World {
  const clock = createVirtualClock();
  const machine = createMachine(clock);
  const lines: string[] = [];
  const trace: Trace = {
    lines,
    add: words => void lines.push(`${(clock.ticks() / 1000).toFixed(3).padStart(9)} ${words}`),
    digest: () => createHash('sha256').update(lines.join('\n')).digest('hex'),
  };
  const violations: Violation[] = [];
  machine.onHappening(({ what, unit }) => trace.add(`machine: ${unit.owner}/${unit.spec.id} ${what}`));
  return {
    clock,
    machine,
    remote: createRemote(first),
    stateFile: join(folder, 'state.sqlite'),
    faults: {
      source: { git: 'none', reader: 'none' },
      runtime: { ...honest },
      network: { partitioned: new Set(), slowMs: 0 },
      prepare: 'answers',
    },
    env: {},
    trace,
    violations,
    violated(invariant, words) {
      trace.add(`VIOLATED ${invariant}: ${words}`);
      violations.push({ invariant, words });
    },
  };
}

/** Instances of the same names that are none of ours; nothing may ever happen to them. */
export async function addForeign(world: World, servers: readonly string[]): Promise<string[]> {
  const { machine, clock } = world;
  const runtime = openMemoryRuntime({ machine, owner: SOMEBODY, programs: simulatedPrograms(clock, () => {}) });
  const ids = servers.map(server => `${server}-0`);
  for (const [index, id] of ids.entries()) {
    const server = servers[index] ?? '';
    const plain = { env: {}, transport: 'stdio', port: 0, path: '/mcp', secrets: [] } as const;
    await runtime.ensure({ id, server, ordinal: 0, specDigest: 'theirs', argv: [server, 'well'], ...plain });
  }
  return ids;
}

export function foreignRuns({ machine }: World, id: string): boolean {
  return machine.find({ id, owner: SOMEBODY })?.state === 'running';
}

/** An event of the reconciler in one line. */
export function eventLine(event: ReconcilerEvent): string {
  switch (event.type) {
    case 'applied': {
      const steps = event.plan.steps.map(({ op, id }) => `${op} ${id}`).join(', ');
      return `applied ${event.commit.slice(0, 7)} (${event.stalled} stalled): ${steps}`;
    }
    case 'removed':
      return `removed ${event.resources.join(', ')}; moved ${event.moved.map(({ from, to }) => `${from} → ${to}`)}`;
    case 'problem':
      return `problem ${event.problem.code}: ${event.problem.message}`;
    case 'instance':
      return `instance ${event.id} ${event.state}${event.problem ? `: ${event.problem.message}` : ''}`;
    case 'health':
      return `health ${event.id} ${event.state}: ${event.message ?? ''}`;
    default:
      return `${event.type} ${event.server ?? 'everything'}`;
  }
}
