import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestDocker } from '../docker/daemon.ts';
import { repositoryYaml, serverYaml } from '../e2e/catalog.ts';
import { startUp, type UpProcess, type UpProcessOptions } from '../e2e/daemon.ts';
import { type Files, type TempRepository, tempRepository } from '../temp-repository.ts';

/** A repository, a place for the daemon's state, and a way to find everything that came of it. */
export interface FaultScene {
  repository: TempRepository;
  stateDir: string;
  machine: ServerMachine;
  up(options?: Partial<UpProcessOptions>): Promise<UpProcess>;
  poke(running: UpProcess): Promise<void>;
  remove(): Promise<void>;
}

/** Where servers run, looked at from outside. */
export interface ServerMachine {
  /** A server that can be told from those of every other test. @param version something to tell its versions apart */
  server(version: number, replicas?: number): string;
  /** The version of every server of this scene that runs on this machine, sorted. */
  running(): string[];
  /** They go on when their daemon has ended as it should. */
  outlive: boolean;
  env: Record<string, string>;
  /** End what a test that failed has left. */
  clear(): void;
}

/** @param stateRoot a folder that exists; one of its own unless given */
export function faultScene(servers: number, options: { stateRoot?: string; machine?: ServerMachine } = {}): FaultScene {
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-faults-'));
  const { stateRoot = folder, machine = processMachine() } = options;
  const stateDir = join(stateRoot, 'state');
  const daemons: UpProcess[] = [];
  const files: Files = { 'mcpctl.yaml': repositoryYaml };
  for (let index = 0; index < servers; index++) files[`servers/s${index}.yaml`] = machine.server(0);
  const repository = tempRepository(files);

  return {
    repository,
    stateDir,
    machine,
    async up(options = {}) {
      const args = ['--poll', '3600'];
      const running = await startUp({ repository: repository.bare, stateDir, args, env: machine.env, ...options });
      daemons.push(running);
      return running;
    },
    async poke(running) {
      const headers = { authorization: `Bearer ${running.token}` };
      await fetch(`${running.url}/api/v1/reconcile`, { method: 'POST', headers });
    },
    async remove() {
      for (const daemon of daemons) await daemon.stop();
      machine.clear();
      repository.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const program = join(import.meta.dirname, '..', 'fixtures', 'servers', 'sdk2-stdio.mjs');
/** It goes on when nobody speaks with it any more: one that ends by itself would hide an orphan. */
const lasting = ['--import', 'data:text/javascript,setInterval(() => {}, 1000)'];

/** Servers as processes, told by their arguments. Linux only. */
function processMachine(): ServerMachine {
  const marker = `marker-${randomUUID()}`;
  const own = () =>
    readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .map(pid => ({ pid, argv: readArguments(pid) }))
      .filter(({ argv }) => argv.includes(marker));
  return {
    server: (version, replicas = 1) =>
      serverYaml(['node', ...lasting, program, marker, `version-${version}`], `  replicas: ${replicas}\n`),
    running: () =>
      own()
        .map(({ argv }) => argv.at(-1) ?? '')
        .sort(),
    outlive: false,
    env: {},
    clear() {
      for (const { pid } of own()) process.kill(Number(pid), 'SIGKILL');
    },
  };
}

function readArguments(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
  } catch {
    return [];
  }
}

/** The smallest MCP server, for an image that has Node and nothing else. */
const inline = `require('readline').createInterface({ input: process.stdin }).on('line', line => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const serverInfo = { name: 'inline', version: '1' };
  const results = {
    initialize: { protocolVersion: params?.protocolVersion, capabilities: { tools: {} }, serverInfo },
    'tools/list': { tools: [] },
    ping: {},
  };
  const found = results[method];
  const answer = found ? { result: found } : { error: { code: -32601, message: 'Method not found' } };
  console.log(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
});
setInterval(() => {}, 1000);`;

/** Servers as containers of a Docker daemon that has no others. */
export function dockerMachine({ host, images, run }: TestDocker): ServerMachine {
  const ids = (...flags: string[]) =>
    run('ps', '-q', ...flags)
      .split(/\s+/)
      .filter(Boolean);
  return {
    server: (version, replicas = 1) => `apiVersion: mcpctl.dev/v1
kind: Server
spec:
  transport: stdio
  runtime: docker
  image: ${images[0]}
  replicas: ${replicas}
  args: ${JSON.stringify(['-e', inline, `version-${version}`])}
`,
    running: () =>
      ids()
        .map(id => (JSON.parse(run('inspect', '-f', '{{json .Args}}', id)) as string[]).at(-1) ?? '')
        .sort(),
    outlive: true,
    env: { DOCKER_HOST: host },
    clear() {
      for (const id of ids('-a')) run('rm', '-f', id);
    },
  };
}

export { seededRandom } from '../seeded-random.ts';
