import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryYaml, serverYaml } from '../e2e/catalog.ts';
import { startUp, type UpProcess, type UpProcessOptions } from '../e2e/daemon.ts';
import { type Files, type TempRepository, tempRepository } from '../temp-repository.ts';

const program = join(import.meta.dirname, '..', 'fixtures', 'servers', 'sdk2-stdio.mjs');

/** A repository, a place for the daemon's state, and a way to find every process that came of it. */
export interface FaultScene {
  repository: TempRepository;
  stateDir: string;
  /** A server that can be told from those of every other test. @param version something to tell its versions apart */
  server(version: number, replicas?: number): string;
  up(options?: Partial<UpProcessOptions>): Promise<UpProcess>;
  poke(running: UpProcess): Promise<void>;
  /** The version of every server process of this scene that runs on this machine, sorted. Linux only. */
  running(): string[];
  remove(): Promise<void>;
}

/** @param stateDir a folder that exists, or none for one of its own */
export function faultScene(servers: number, stateRoot?: string): FaultScene {
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-faults-'));
  const marker = `marker-${randomUUID()}`;
  const stateDir = join(stateRoot ?? folder, 'state');
  const daemons: UpProcess[] = [];
  // It goes on when nobody speaks with it any more: one that ends by itself would hide an orphan.
  const lasting = ['--import', 'data:text/javascript,setInterval(() => {}, 1000)'];
  const server = (version: number, replicas = 1) =>
    serverYaml(['node', ...lasting, program, marker, `version-${version}`], `  replicas: ${replicas}\n`);
  const files: Files = { 'mcpctl.yaml': repositoryYaml };
  for (let index = 0; index < servers; index++) files[`servers/s${index}.yaml`] = server(0);
  const repository = tempRepository(files);

  const own = () =>
    readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .map(pid => ({ pid, argv: readArguments(pid) }))
      .filter(({ argv }) => argv.includes(marker));

  return {
    repository,
    stateDir,
    server,
    async up(options = {}) {
      const args = ['--poll', '3600'];
      const running = await startUp({ repository: repository.bare, stateDir, args, ...options });
      daemons.push(running);
      return running;
    },
    async poke(running) {
      const headers = { authorization: `Bearer ${running.token}` };
      await fetch(`${running.url}/api/v1/reconcile`, { method: 'POST', headers });
    },
    running: () =>
      own()
        .map(({ argv }) => argv.at(-1) ?? '')
        .sort(),
    async remove() {
      for (const daemon of daemons) await daemon.stop();
      // After a test that failed.
      for (const { pid } of own()) process.kill(Number(pid), 'SIGKILL');
      repository.remove();
      rmSync(folder, { recursive: true, force: true });
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

/** The same numbers from 0 to 1 for a seed on every machine (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
