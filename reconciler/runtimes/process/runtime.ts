import { mkdirSync, realpathSync } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  endGroup,
  ensurePrivateDir,
  findByFolder,
  identify,
  isSame,
  killGroupsAtExit,
  redact,
  run,
} from '../../../host/index.ts';
import { type Problem, problem } from '../../../schema/index.ts';
import { createEventBus } from '../event-bus.ts';
import { howItEnded } from '../exit-words.ts';
import { expand, expandEnvironment } from '../expand.ts';
import { noSuchInstance } from '../no-such-instance.ts';
import { createPorts } from '../ports.ts';
import { createQueues } from '../queues.ts';
import type { EnsureResult, ExecResult, LaunchSpec, Runtime } from '../runtime.ts';
import { baseEnvironment, instanceFolder } from './environment.ts';
import { notThere, type ProcessInstance, type ProcessRecord, startProcess } from './instance.ts';
import { confine, findProgram, type Place } from './sandbox.ts';

/** What is known of the processes that run, kept where it outlives the daemon. */
export interface ProcessRecords {
  /** Add a row, or replace the one of the same id. */
  put(row: ProcessRecord): void;
  delete(id: string): void;
  all(): ProcessRecord[];
}

export interface ProcessRuntimeOptions {
  /** Private to this daemon; instances have their folders below `instances/`. */
  stateDir: string;
  records: ProcessRecords;
  /** The daemon's environment; only its PATH is handed on. */
  env: NodeJS.ProcessEnv;
  /** Between SIGTERM and SIGKILL; 5000 unless given. */
  graceMs?: number;
}

const INSTANCE_ID = /^[a-z0-9][a-z0-9-]{0,100}$/;
const MAX_EXEC_BYTES = 1024 * 1024;
const REAP_GRACE_MS = 2_000;
const REAP_ROUNDS = 5;

/**
 * Instances as plain child processes of the daemon, each leading a process group, with a private folder as home and
 * working folder. Nothing isolates them.
 */
export function openProcessRuntime(options: ProcessRuntimeOptions): Runtime {
  const { records, env, graceMs = 5_000 } = options;
  mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
  // The system tells a process's working folder without symbolic links.
  const stateDir = realpathSync(options.stateDir);
  const instancesDir = join(stateDir, 'instances');
  const running = new Map<string, ProcessInstance>();
  const { inTurn, busy } = createQueues();
  const ports = createPorts();
  const bus = createEventBus();
  const scan = coalesce(() => findByFolder(instancesDir));
  let closed = false;
  const letGo = killGroupsAtExit(() => [...running.values()].map(({ pid }) => pid));

  async function start(spec: LaunchSpec): Promise<EnsureResult> {
    if (!INSTANCE_ID.test(spec.id)) return refusal(spec, 'its id is not a plain name');
    const own = instanceFolder(stateDir, spec.id);
    const unusable = await prepareFolder(spec, own);
    if (unusable) return { problem: unusable };
    const cwd = spec.cwd ?? own;
    if (!(await isFolder(cwd))) return refusal(spec, `there is no folder ${cwd} to start in`);
    const port = spec.transport === 'stdio' ? undefined : await ports.take(spec);
    if (typeof port === 'object') return port;
    if (closed) return refusal(spec, 'mcpctl is stopping');
    const { argv, env: variables } = variablesOf(spec, port);
    const wall = await wallOf(spec, argv, { home: own, cwd, path: variables.PATH ?? '' });
    const started =
      'problem' in wall
        ? wall
        : await startProcess({ spec, cwd, port, argv: wall.argv, isolated: wall.isolated, env: variables });
    if ('problem' in started) {
      ports.giveBack(spec.id);
      return started;
    }
    const { id, specDigest, startedAt, pid } = started;
    // None when it has ended already: then there is nothing to find again.
    const identity = identify(pid);
    if (identity) records.put({ ...identity, id, specDigest, startedAt });
    running.set(id, started);
    void started.exited.then(exit => {
      forget(started);
      if (!started.ending()) bus.tell({ type: 'exited', id, reason: howItEnded(exit) });
    });
    return started;
  }

  function variablesOf(spec: LaunchSpec, port: number | undefined): { argv: string[]; env: Record<string, string> } {
    const given = port === undefined ? {} : { PORT: String(port) };
    const base = { ...baseEnvironment(stateDir, spec.id, env), ...given };
    const declared = { ...base, ...expandEnvironment(spec.env, { base, literal: spec.secrets }), ...given };
    return { argv: spec.argv.map(text => expand(text, declared)), env: declared };
  }

  function forget(instance: ProcessInstance): void {
    if (running.get(instance.id) !== instance) return;
    running.delete(instance.id);
    records.delete(instance.id);
    ports.giveBack(instance.id);
  }

  async function stop(id: string): Promise<void> {
    const instance = running.get(id);
    if (!instance) return;
    await instance.end(graceMs);
    await endDeserters(id);
    await instance.exited;
    forget(instance);
  }

  /** What an instance started and what then left its process group. */
  async function endDeserters(id: string): Promise<void> {
    const found = (await scan()).filter(process => process.part === id);
    await Promise.all(found.map(process => endGroup(process, { graceMs })));
  }

  return {
    name: 'process',
    async list() {
      return [...running.values()]
        .filter(instance => instance.alive())
        .map(({ id, specDigest, startedAt, pid }) => {
          return { id, specDigest, state: 'running', owned: true, adoptable: true, startedAt, pid };
        });
    },

    ensure(spec) {
      return inTurn(spec.id, async () => {
        const present = running.get(spec.id);
        if (present?.alive() && present.specDigest === spec.specDigest) return present;
        if (closed) return refusal(spec, 'mcpctl is stopping');
        await stop(spec.id);
        return start(spec);
      });
    },

    async connect(id) {
      const instance = running.get(id);
      return instance?.alive() ? instance.connect() : { problem: noSuchInstance(id) };
    },
    logs: async id => running.get(id)?.logs() ?? [],
    async exec(id, argv, { timeoutMs }) {
      const instance = running.get(id);
      return instance?.alive() ? runBeside(instance, argv, timeoutMs) : { problem: noSuchInstance(id) };
    },
    watch: bus.listen,
    remove: id => inTurn(id, () => stop(id)),

    async reap() {
      const ended = new Set<string>();
      const left = records.all().filter(row => !running.has(row.id));
      await Promise.all(
        left.filter(isSame).map(row => {
          ended.add(row.id);
          return endGroup(row, { graceMs: Math.min(graceMs, REAP_GRACE_MS) });
        }),
      );
      for (let round = 0; round < REAP_ROUNDS; round++) {
        const found = (await scan()).filter(process => !running.has(process.part));
        if (found.length === 0) break;
        for (const { part } of found) ended.add(part);
        await Promise.all(found.map(process => endGroup(process, { graceMs: Math.min(graceMs, REAP_GRACE_MS) })));
      }
      for (const row of left) records.delete(row.id);
      return [...ended].sort();
    },

    async close() {
      closed = true;
      const ids = new Set([...running.keys(), ...busy()]);
      await Promise.all([...ids].map(id => inTurn(id, () => stop(id))));
      letGo();
    },
  };
}

/** What is started really: the program, or what confines it. The program has to be there: what confines it would not say. */
async function wallOf(
  spec: LaunchSpec,
  argv: readonly string[],
  place: Place,
): Promise<{ argv: readonly string[]; isolated: boolean } | { problem: Problem }> {
  if (!spec.isolation && !spec.limits) return { argv, isolated: false };
  const program = findProgram(argv[0] ?? '', place.path);
  if (program === undefined) return { problem: notThere(spec, argv[0] ?? '') };
  const confined = await confine(spec, program, place);
  if ('problem' in confined) return confined;
  return { argv: [...confined.words, program, ...argv.slice(1)], isolated: confined.isolated };
}

/** Run a program with the folder and the environment of an instance. */
async function runBeside(
  { launch }: ProcessInstance,
  argv: readonly string[],
  timeoutMs: number,
): Promise<ExecResult | { problem: Problem }> {
  const { spec, cwd, env } = launch;
  const result = await run(argv, { cwd, env, timeoutMs, maxOutputBytes: MAX_EXEC_BYTES });
  if (result.code !== null) {
    return { code: result.code, stdout: result.stdout.toString('utf8'), stderr: result.stderr };
  }
  const why = result.timedOut ? `took more than ${timeoutMs} ms` : (result.spawnError?.message ?? 'was ended');
  const message = `${redact(argv[0] ?? '', spec.secrets, 200)} beside ${spec.id} ${redact(why, spec.secrets, 300)}`;
  return { problem: problem('RUNTIME_EXEC_FAILED', message, { resource: `server/${spec.server}` }) };
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isDirectory(),
    () => false,
  );
}

/** The instance's private folder, kept from one start to the next, with an empty folder for temporary files. */
async function prepareFolder(spec: LaunchSpec, folder: string): Promise<Problem | undefined> {
  try {
    await ensurePrivateDir(folder);
    await rm(join(folder, 'tmp'), { recursive: true, force: true });
    await mkdir(join(folder, 'tmp'), { mode: 0o700 });
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return problem('STATE_UNUSABLE', `the folder of ${spec.id} cannot be used: ${reason}`, {
      resource: `server/${spec.server}`,
    });
  }
}

function refusal(spec: LaunchSpec, reason: string): { problem: Problem } {
  const resource = `server/${spec.server}`;
  return { problem: problem('SERVER_EXITED', `${spec.id} was not started: ${reason}`, { resource }) };
}

/** Calls that come while one is under way share the next one. */
function coalesce<T>(work: () => Promise<T>): () => Promise<T> {
  let current: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  return () => {
    next ??= current.then(() => {
      next = undefined;
      const turn = work();
      current = turn.catch(() => undefined);
      return turn;
    });
    return next;
  };
}
