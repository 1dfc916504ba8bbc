import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openTrust } from '../../cli/commands/up/trust.ts';
import { freePort } from '../../host/index.ts';
import {
  createPrepare,
  createReconciler,
  openPackageStore,
  openRuntimes,
  openStateStore,
  type Reconciler,
  type Status,
} from '../../reconciler/index.ts';
import { openReader, openSource, parseRef, parseRemote, parseRepoPath } from '../../repo/index.ts';
import { type Files, type TempRepository, tempRepository } from '../temp-repository.ts';

/** How the daemon is told to follow the repository. */
export interface Followed {
  repository: string;
  ref: string;
  path: string;
  environment?: string;
}

/** What clients and operators see, by name. */
export interface InService {
  /** `<instance> <state> since <time>`: one that was restarted differs. */
  instances: string[];
  /** `<project>: <its servers and prompts>` */
  projects: string[];
  /** Everything in the store: servers, prompts, projects, secrets, skills, … */
  resources: string[];
}

/** A repository with everything in service, and the whole loop on it: real git, real reader, real connections. */
export interface Scene {
  readonly repository: TempRepository;
  readonly followed: Followed;
  readonly reconciler: Reconciler;
  inService(): InService;
  /** Poke the loop, so that it looks at the repository now, and wait for a status. */
  until(what: string, holds: (status: Status) => boolean): Promise<Status>;
  /**
   * End the daemon and start it again on the same state, perhaps told to follow something else.
   * @param meanwhile done to the state while no daemon runs
   */
  restart(change?: Partial<Followed>, meanwhile?: (stateDir: string) => void): Promise<void>;
  close(): Promise<void>;
}

const head = (kind: string, metadata = '{}') => `apiVersion: mcpctl.dev/v1\nkind: ${kind}\nmetadata: ${metadata}\n`;

const SERVERS = 5;
const PROMPTS = 5;

export function repositoryFile(more = '', id = 'accidents.example'): string {
  return `${head('Repository')}spec: {id: ${id}${more}}\n`;
}

export function serverFile(number: number | string, url: string): string {
  return `${head('Server', '{labels: {tier: prod}}')}spec:\n  transport: streamable-http\n  url: ${url}?s=${number}\n`;
}

/** Enough of everything for an accident to show. */
export function baseFiles(url: string): Record<string, string> {
  const files: Record<string, string> = {
    'mcpctl.yaml': repositoryFile(),
    'projects/names/project.yaml': `${head('Project')}spec:\n  servers: [s0, s1, s2]\n  prompts: [p0, p1]\n`,
    'projects/labels/project.yaml': `${head('Project')}spec:\n  selector: {servers: {matchLabels: {tier: prod}}}\n`,
    'projects/labels/prompts/own.md': '---\n---\nIts own.\n',
    'projects/labels/prompts/two.md': '---\n---\nIts second.\n',
    'secrets/token.yaml': `${head('Secret')}spec: {data: {value: {generate: {}}}}\n`,
    'environments/prod/servers/s0.yaml': 'metadata: {description: in production}\n',
    'README.md': 'Nobody reads this.\n',
  };
  for (let number = 0; number < SERVERS; number++) files[`servers/s${number}.yaml`] = serverFile(number, url);
  for (let number = 0; number < PROMPTS; number++) files[`prompts/p${number}.md`] = `---\n---\nPrompt ${number}.\n`;
  return files;
}

/** One MCP server that all declared ones lead to. */
export async function startBackend(): Promise<{ url: string; child: ChildProcess }> {
  const port = await freePort();
  const program = fileURLToPath(new URL('../fixtures/servers/sdk2-http.mjs', import.meta.url));
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, PORT: String(port) },
    stdio: 'ignore',
  });
  return { url: `http://127.0.0.1:${port}/mcp`, child };
}

/** Make the repository, start the loop on it and wait until all of it is in service. */
export async function openScene(url: string, more: Files = {}, change: Partial<Followed> = {}): Promise<Scene> {
  const repository = tempRepository({ ...baseFiles(url), ...more });
  const stateDir = mkdtempSync(join(tmpdir(), 'mcpctl-accident-'));
  let followed: Followed = { repository: repository.bare, ref: 'main', path: '', ...change };
  let daemon = await follow(stateDir, followed);
  const scene: Scene = {
    repository,
    get followed() {
      return followed;
    },
    get reconciler() {
      return daemon.reconciler;
    },
    inService: () => inService(daemon),
    async until(what, holds) {
      daemon.reconciler.poke();
      for (let tries = 0; tries < 40; tries++) {
        if (holds(daemon.reconciler.status())) return daemon.reconciler.status();
        await changeOf(daemon.reconciler);
        if (tries % 8 === 7) daemon.reconciler.poke();
      }
      throw new Error(`never: ${what}
${JSON.stringify(daemon.reconciler.status(), undefined, 1)}`);
    },
    async restart(other = {}, meanwhile = () => {}) {
      await daemon.close();
      meanwhile(stateDir);
      followed = { ...followed, ...other };
      daemon = await follow(stateDir, followed);
    },
    async close() {
      await daemon.close();
      repository.remove();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
  await scene.until('everything is in service', isReady);
  return scene;
}

/** The next change of the status, or half a second without one. */
function changeOf(reconciler: Reconciler): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(done, 500);
    const stop = reconciler.onStatus(done);
    function done(): void {
      clearTimeout(timer);
      stop();
      resolve();
    }
  });
}

export function isReady(status: Status): boolean {
  return status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True');
}

interface Daemon {
  reconciler: Reconciler;
  resources(): string[];
  close(): Promise<void>;
}

async function follow(stateDir: string, followed: Followed): Promise<Daemon> {
  const { env } = process;
  const remote = parsed(parseRemote(followed.repository, '/'));
  const { ref } = parsed(parseRef(followed.ref));
  const { path } = parsed(parseRepoPath(followed.path));
  const store = openStateStore(join(stateDir, 'state.sqlite'));
  const runtime = openRuntimes({ stateDir, records: store.processes, env, standard: 'process' });
  const mirror = await openSource({ stateDir, remote, ref, path, env, home: stateDir });
  const trust = await openTrust({ mirror, env, home: stateDir, path, remote, ref, allowRollback: false });
  const reader = openReader({ gitDir: mirror.gitDir, path, keptIn: join(stateDir, 'parsed') });
  const packages = openPackageStore({ dir: join(stateDir, 'packages'), env });
  const reconciler = createReconciler({
    repository: { display: remote.display, ref: followed.ref, path: followed.path, mode: trust.mode },
    ...(trust.mustNotFollow && { mustNotFollow: trust.mustNotFollow }),
    mirror,
    reader,
    store,
    runtime,
    ...(followed.environment !== undefined && { environment: followed.environment }),
    prepare: createPrepare({ packages, reader, secrets: { env, home: stateDir, stateDir }, runtime: 'process' }),
    pollMs: 3_600_000,
    concurrency: 16,
    drainMs: 0,
  });
  reconciler.start();
  return {
    reconciler,
    resources: () => [...store.good().keys()].sort(),
    async close() {
      await reconciler.close();
      await runtime.close();
      reader.close();
      store.close();
    },
  };
}

function inService({ reconciler, resources }: Daemon): InService {
  const { servers, projects } = reconciler.status();
  return {
    instances: servers.flatMap(({ instances }) => instances.map(({ id, state, since }) => `${id} ${state} ${since}`)),
    projects: projects.map(({ name, servers: has, prompts }) => `${name}: ${[...has, ...prompts].join(' ')}`),
    resources: resources(),
  };
}

function parsed<T extends object>(result: T): Exclude<T, { problem: unknown }> {
  if ('problem' in result) throw new Error(JSON.stringify(result.problem));
  return result as Exclude<T, { problem: unknown }>;
}
