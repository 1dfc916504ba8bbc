import { systemClock } from '../../../host/index.ts';
import { type Problem, problem } from '../../../schema/index.ts';
import { createEventBus } from '../event-bus.ts';
import { howItEnded } from '../exit-words.ts';
import { expand, expandEnvironment } from '../expand.ts';
import { noSuchInstance } from '../no-such-instance.ts';
import { createPorts } from '../ports.ts';
import { createQueues } from '../queues.ts';
import type { EnsureResult, ExecResult, LaunchSpec, Observed, RunningInstance, Runtime } from '../runtime.ts';
import type { Happening, Machine } from './machine.ts';
import type { Programs } from './program.ts';
import { startUnit, type Unit } from './unit.ts';

export interface MemoryRuntimeOptions {
  machine: Machine;
  /** Whose instances these are; another owner's are never touched. */
  owner: string;
  programs: Programs;
  /** Between the request to end and the end; 5000 unless given. */
  graceMs?: number;
}

const INSTANCE_ID = /^[a-z0-9][a-z0-9-]{0,100}$/;

/** Instances that exist only in memory: for tests, for simulations, and to rehearse a repository without running it. */
export function openMemoryRuntime(options: MemoryRuntimeOptions): Runtime {
  const { machine, owner, programs, graceMs = 5_000 } = options;
  const { inTurn, busy } = createQueues();
  const ports = createPorts();
  const bus = createEventBus();
  const known = new Map<string, { unit: Unit; handle: RunningInstance; url?: string }>();
  /** What this runtime is ending itself. */
  const ending = new Set<Unit>();
  const caveats = [problem('RUNTIME_PRETENDS', 'servers do not really run: the runtime `memory` only pretends')];
  let closed = false;
  const stopListening = machine.onHappening(happening => {
    if (happening.what === 'resumed') return;
    const event = eventOf(happening);
    if (happening.unit.owner !== owner || ending.has(happening.unit)) return;
    void event.then(({ type, reason }) => bus.tell({ type, id: happening.unit.spec.id, reason }));
  });

  function adopt(unit: Unit, adopted: boolean, url?: string): RunningInstance {
    const { id, specDigest } = unit.spec;
    const { startedAt, exited, logs, linesWritten } = unit;
    const handle = { id, specDigest, startedAt, adopted, caveats, exited, logs, linesWritten };
    known.set(id, { unit, handle, ...(url !== undefined && { url }) });
    void exited.then(() => {
      ports.giveBack(id);
      if (known.get(id)?.unit === unit) known.delete(id);
    });
    return handle;
  }

  async function start(spec: LaunchSpec): Promise<EnsureResult> {
    if (!INSTANCE_ID.test(spec.id)) return refusal(spec, 'its id is not a plain name');
    const [name = ''] = spec.argv;
    const run = programs(name);
    if (!run) {
      const resource = `server/${spec.server}`;
      return { problem: problem('SERVER_BINARY_MISSING', `${spec.id}: ${name} cannot be executed`, { resource }) };
    }
    if (spec.argv.some(text => text.includes('\0'))) return refusal(spec, 'an argument has a NUL byte');
    const port = spec.transport === 'stdio' ? undefined : await ports.take(spec);
    if (typeof port === 'object') return port;
    const given = port === undefined ? {} : { PORT: String(port) };
    const base = { PATH: '/bin', HOME: `/home/${spec.id}`, TMPDIR: `/home/${spec.id}/tmp`, LANG: 'C.UTF-8', ...given };
    const env = { ...base, ...expandEnvironment(spec.env, { base, literal: spec.secrets }), ...given };
    const argv = spec.argv.map(text => expand(text, env));
    const unit = machine.start({ owner, spec, program: name, run, argv, env });
    return adopt(unit, false, port === undefined ? undefined : `http://127.0.0.1:${port}${spec.path}`);
  }

  async function stop(id: string): Promise<void> {
    const unit = machine.find({ id, owner });
    if (!unit) return;
    ending.add(unit);
    await unit.stop(graceMs);
    machine.forget(unit);
    ending.delete(unit);
  }

  async function ensure(spec: LaunchSpec): Promise<EnsureResult> {
    if (closed) return refusal(spec, 'mcpctl is stopping');
    const unit = machine.find({ id: spec.id, owner });
    if (unit && unit.spec.specDigest === spec.specDigest && whyNotAdoptable(unit) === undefined) {
      const present = known.get(spec.id);
      return present?.unit === unit ? present.handle : adopt(unit, true, present?.url);
    }
    await stop(spec.id);
    return start(spec);
  }

  return {
    name: 'memory',
    list: async () => machine.units().map(unit => observe(unit, owner)),
    ensure: spec => inTurn(spec.id, () => ensure(spec)),
    async connect(id) {
      const unit = machine.find({ id, owner });
      if (unit?.state !== 'running') return { problem: noSuchInstance(id) };
      const url = known.get(id)?.url;
      return url === undefined ? unit.connect() : { kind: 'http', url };
    },
    logs: async id => machine.find({ id, owner })?.logs() ?? [],
    async exec(id, argv, { timeoutMs }) {
      const unit = machine.find({ id, owner });
      return unit?.state === 'running' ? runBeside(unit, argv, programs, timeoutMs) : { problem: noSuchInstance(id) };
    },
    watch: bus.listen,
    remove: id => inTurn(id, () => stop(id)),
    reap: async () => [],
    async close({ leave = false } = {}) {
      closed = true;
      const ids = machine.units().flatMap(unit => (unit.owner === owner ? [unit.spec.id] : []));
      await Promise.all([...new Set([...ids, ...busy()])].map(id => inTurn(id, async () => leave || stop(id))));
      stopListening();
    },
  };
}

function observe(unit: Unit, owner: string): Observed {
  const { id, specDigest } = unit.spec;
  const why = whyNotAdoptable(unit);
  const owned = unit.owner === owner;
  const { state, startedAt } = unit;
  return { id, specDigest, state, owned, startedAt, adoptable: owned && !why, ...(why !== undefined && { why }) };
}

function whyNotAdoptable({ state, program, spec }: Unit): string | undefined {
  if (state !== 'running') return `it is ${state}`;
  return program === spec.argv[0] ? undefined : `it runs ${program}, not ${spec.argv[0]}`;
}

async function eventOf({ what, unit }: Happening): Promise<{ type: 'exited' | 'removed' | 'changed'; reason: string }> {
  switch (what) {
    case 'ended':
      return { type: 'exited', reason: howItEnded(await unit.exited) };
    case 'removed':
      return { type: 'removed', reason: 'somebody removed it' };
    case 'appeared':
      return { type: 'changed', reason: whyNotAdoptable(unit) ?? 'somebody started it' };
    default:
      return { type: 'changed', reason: 'somebody paused it' };
  }
}

/** A program with the files and the environment of a unit. */
async function runBeside(
  { spec, env, owner }: Unit,
  argv: readonly string[],
  programs: Programs,
  timeoutMs: number,
): Promise<ExecResult | { problem: Problem }> {
  const [program = ''] = argv;
  const run = programs(program);
  const resource = `server/${spec.server}`;
  if (!run) return { problem: problem('RUNTIME_EXEC_FAILED', `${program} cannot be executed`, { resource }) };
  const unit = startUnit({ owner, spec, program, run, argv, env, home: new Map(), clock: systemClock });
  const { stdout } = unit.connect();
  let text = '';
  stdout.on('data', chunk => {
    text += String(chunk);
  });
  const patience = AbortSignal.timeout(timeoutMs);
  patience.addEventListener('abort', () => unit.kill());
  const { code } = await unit.exited;
  if (code !== null) return { code, stdout: text, stderr: unit.logs().join('\n') };
  return {
    problem: problem('RUNTIME_EXEC_FAILED', `${program} beside ${spec.id} took more than ${timeoutMs} ms`, {
      resource,
    }),
  };
}

function refusal(spec: LaunchSpec, reason: string): { problem: Problem } {
  const resource = `server/${spec.server}`;
  return { problem: problem('SERVER_EXITED', `${spec.id} was not started: ${reason}`, { resource }) };
}
