import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { openPackageStore } from '../../reconciler/index.ts';
import { parseFile } from '../../schema/index.ts';
import { startUp, type UpProcess } from '../e2e/daemon.ts';
import { type RunningServer, startGitServer } from '../git-server.ts';
import { type Files, type TempRepository, tempRepository } from '../temp-repository.ts';
import { packagedCommand } from './package.ts';

const root = join(import.meta.dirname, '..', '..');
const example = join(root, 'example-repo');

/** Installed packages are kept with the checkout's own: what is measured finds them in the store. */
const home = join(root, 'node_modules', '.cache', 'mcpctl-bench');

/** A real server from npm, as the example repository declares and locks it. */
const memory = {
  yaml: readFileSync(join(example, 'servers', 'memory.yaml'), 'utf8'),
  lock: readFileSync(join(example, 'locks', 'servers', 'memory', 'package-lock.json'), 'utf8'),
};

/** A real repository, and `mcpctl up` on it, from the bundle. */
export interface Scene {
  repository: TempRepository;
  up: UpProcess;
  /** When `mcpctl up` was started (performance.now). */
  startedAt: number;
}

export interface SceneOptions {
  files: Files;
  /** The address to follow instead of the bare repository's path. */
  url?(repository: TempRepository): Promise<string>;
  args?: string[];
  onLine?(line: string): void;
}

const ends = new Set<() => Promise<void>>();

/** Do the work, and end what it needed however it went, also when the whole run is interrupted. */
export async function withCleanUp<T>(cleanUp: () => unknown, work: () => Promise<T>): Promise<T> {
  const end = async () => {
    if (ends.delete(end)) await cleanUp();
  };
  ends.add(end);
  return work().finally(end);
}

/** End whatever is going on. */
export async function endAll(): Promise<void> {
  await Promise.all([...ends].map(end => end()));
}

/** Set a scene, do the work in it, and leave nothing behind. */
export function inScene<T>(options: SceneOptions, work: (scene: Scene) => Promise<T>): Promise<T> {
  const entry = packagedCommand();
  const repository = tempRepository(options.files);
  let up: UpProcess | undefined;
  const cleanUp = async () => {
    await up?.stop();
    repository.remove();
  };
  return withCleanUp(cleanUp, async () => {
    const remote = (await options.url?.(repository)) ?? repository.bare;
    const startedAt = performance.now();
    up = await startUp({
      entry,
      repository: remote,
      stateDir: join(repository.folder, 'state'),
      args: options.args ?? ['--poll', '3600'],
      env: { MCPCTL_HOME: home },
      ...(options.onLine && { onLine: options.onLine }),
    });
    return work({ repository, up, startedAt });
  });
}

/** Serve the scene’s repository by a real git server while the work is done; `url` is for the scene’s options. */
export async function withGitServer<T>(
  work: (url: (repository: TempRepository) => Promise<string>, server: () => RunningServer) => Promise<T>,
): Promise<T> {
  let server: RunningServer | undefined;
  const url = async (repository: TempRepository) => {
    server = await startGitServer({ root: repository.folder });
    return `${server.url}/${basename(repository.bare)}`;
  };
  const started = () => {
    if (!server) throw new Error('the git server is not started yet');
    return server;
  };
  return withCleanUp(
    () => server?.close(),
    () => work(url, started),
  );
}

/** Install the real server, unless it is in the store already. @returns the file to run with node */
export async function installMemory(): Promise<string> {
  const { resource } = parseFile({ path: 'servers/memory.yaml', oid: '', mode: '100644' }, Buffer.from(memory.yaml));
  if (resource?.kind !== 'Server' || !resource.spec.package) throw new Error('example-repo’s memory is not from npm');
  const store = openPackageStore({ dir: join(home, 'packages'), env: process.env });
  const installed = await store.install({ ...resource.spec.package, lock: Buffer.from(memory.lock) });
  if ('problem' in installed) throw new Error(installed.problem.message);
  return installed.entry;
}

/** The files of one server more. */
export function memoryServer(name: string): Files {
  return { [`servers/${name}.yaml`]: memory.yaml, [`locks/servers/${name}/package-lock.json`]: memory.lock };
}

/** The one project whose endpoint is measured. */
export function benchProject(servers: readonly string[]): Files {
  return {
    'projects/bench/project.yaml': envelope('Project', `spec:\n  servers: [${servers.join(', ')}]\n`),
  };
}

/**
 * A repository that declares so many resources: the real servers given, with their locks, in the project `bench`, and
 * for the rest prompts, servers without an instance, secrets and projects.
 */
export function repositoryFiles(resources: number, servers: readonly string[]): Files {
  const files: Files = {
    'mcpctl.yaml': envelope('Repository', 'spec:\n  id: bench.example\n'),
    ...benchProject(servers),
  };
  for (const name of servers) Object.assign(files, memoryServer(name));
  for (let index = 0; Object.keys(files).length < resources; index++) Object.assign(files, filler(index));
  return files;
}

/** Every tenth is a project of what came before it, so that nothing refers to what is not there. */
function filler(index: number): Files {
  const about = `metadata:\n  description: Number ${index}, made for measuring\n`;
  switch (index % 10) {
    case 0:
      return {
        [`secrets/k${index}.yaml`]: envelope(
          'Secret',
          `${about}spec: { data: { key: { generate: { bytes: 32 } } } }\n`,
        ),
      };
    case 1:
    case 2:
      return { [`servers/s${index}.yaml`]: envelope('Server', about + idleServer(index, index - (index % 10))) };
    case 9: {
      const spec = `servers: [s${index - 8}, s${index - 7}]\n  prompts: [n${index - 6}, n${index - 5}]`;
      return { [`projects/p${index}/project.yaml`]: envelope('Project', `${about}spec:\n  ${spec}\n`) };
    }
    default:
      return { [`prompts/n${index}.md`]: promptFile(index) };
  }
}

function idleServer(index: number, secret: number): string {
  return `spec:
  transport: stdio
  command: [node, server.js, --number, "${index}"]
  replicas: 0
  env:
    - name: LOG_LEVEL
      value: info
    - name: API_KEY
      valueFrom: { secretRef: { name: k${secret}, key: key } }
`;
}

function promptFile(index: number): string {
  return `---
title: Prompt ${index}
description: Turn notes into a report, number ${index}
arguments:
  - name: notes
    description: What happened, in any form
    required: true
---
Write report ${index} in three short lists: done, next, in the way. Leave out a list that would be empty.

Notes:
{{notes}}
`;
}

function envelope(kind: string, rest: string): string {
  return `apiVersion: mcpctl.dev/v1\nkind: ${kind}\n${rest}`;
}
