import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { freePort } from '../host/index.ts';
import { createEventRing } from '../reconciler/events.ts';
import type {
  ReconcilerEvent,
  ReconcilerView,
  ServedProject,
  ServedPrompt,
  ServedServer,
  Status,
} from '../reconciler/index.ts';
import { connectUpstream, type Surface, type Upstream } from '../reconciler/mcp/index.ts';
import { ProblemError, problem } from '../schema/index.ts';

const FIXTURES = fileURLToPath(new URL('./fixtures/servers/', import.meta.url));

/** For tests: a server process of tests/fixtures/servers and the connection with it. */
export interface TestServer extends ServedServer {
  child: ChildProcess;
  connection: Upstream;
  stderr: () => string;
}

/** Start `file` of the fixtures and connect, over stdio or, with `http`, on a free port. */
export async function startServer(name: string, argv: readonly string[], http = false): Promise<TestServer> {
  const [file = '', ...args] = argv;
  const port = http ? await freePort() : 0;
  const env = { ...process.env, PORT: String(port) };
  const child = spawn(process.execPath, [FIXTURES + file, ...args], { env, stdio: 'pipe' });
  let stderr = '';
  child.stderr.on('data', chunk => {
    stderr += String(chunk);
  });
  const { stdin, stdout } = child;
  const connected = await connectUpstream(
    http ? { kind: 'http', url: `http://127.0.0.1:${port}/mcp` } : { kind: 'stdio', stdin, stdout },
    { timeoutMs: 10_000, name, secrets: [] },
  );
  if ('problem' in connected) throw new ProblemError(connected.problem);
  return {
    name,
    child,
    connection: connected,
    stderr: () => stderr,
    get surface() {
      return connected.surface;
    },
    upstream: async () => connected,
  };
}

/** For tests: a server that was seen once and does not run. */
export function absentServer(name: string, surface: Surface = { tools: [], prompts: [] }): ServedServer {
  const why = problem('SERVER_EXITED', `${name} ended with code 3: "no such file"`);
  return { name, surface, upstream: () => Promise.reject(new ProblemError(why)) };
}

export interface TestView extends ReconcilerView {
  projects: Map<string, ServedProject>;
  ready: boolean;
  service: ReturnType<ReconcilerView['inService']>;
  pokes: number;
  /** What else it was asked to do. */
  asked: string[];
  /** The commit whose removals wait. */
  held?: string;
  changed(change: { tools: string[]; prompts: string[] }): void;
  happened(event: ReconcilerEvent): void;
}

/** For tests: the reconciler as the gateway sees it. */
export function testView(): TestView {
  const listeners = new Set<(change: { tools: string[]; prompts: string[] }) => void>();
  const events = createEventRing(100);
  const view: TestView = {
    projects: new Map(),
    ready: true,
    service: { commit: null, held: {} },
    pokes: 0,
    asked: [],
    project: name => view.projects.get(name),
    status: () => statusOf(view.ready),
    inService: () => view.service,
    logs: () => undefined,
    events: events.since,
    onEvent: events.onEvent,
    happened: event => events.add(event, '2026-01-01T00:00:00.000Z'),
    poke() {
      view.pokes += 1;
    },
    retryNow() {
      view.asked.push('retry now');
    },
    instance: () => undefined,
    restart(name) {
      view.asked.push(`restart ${name}`);
      return name === 'memory';
    },
    suspend(server, suspended) {
      view.asked.push(`${suspended ? 'suspend' : 'resume'} ${server ?? 'all'}`);
      return server === undefined || server === 'memory';
    },
    allowPrune: commit =>
      commit === view.held ? undefined : problem('PRUNE_NOT_HELD', `nothing is allowed for ${commit}`),
    onProjectsChanged(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    changed(change) {
      for (const listener of listeners) listener(change);
    },
  };
  return view;
}

/** For tests: a project with the servers given, in order. */
export function projectOf(
  name: string,
  servers: readonly ServedServer[],
  prompts: readonly ServedPrompt[] = [],
): ServedProject {
  return { name, proposals: false, instructions: `Instructions of ${name}`, hide: [], servers, prompts };
}

function statusOf(ready: boolean): Status {
  const since = '2026-01-01T00:00:00.000Z';
  const condition = ready
    ? { type: 'Ready' as const, status: 'True' as const, reason: 'AllReady', message: 'all is well', since }
    : { type: 'Ready' as const, status: 'False' as const, reason: 'InstancesNotReady', message: 'one is not', since };
  return {
    repository: { display: 'test', ref: 'main', path: '', mode: 'open' },
    revision: {},
    conditions: [condition],
    servers: [],
    projects: [],
    problems: [],
  } as Status;
}
