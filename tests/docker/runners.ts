import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestDocker } from './daemon.ts';
import { findProgram, installPackages } from './debian.ts';

const sources = join(import.meta.dirname, '..', '..', 'reconciler', 'runtimes', 'docker');

/** The runner image for npm packages, from its Dockerfile, on what this machine has of Node and npm. @returns its id */
export function buildNodeRunner(docker: Pick<TestDocker, 'run'>, folder: string): string {
  const npm = findProgram('npm');
  if (npm === undefined) throw new Error('no npm');
  const context = join(folder, 'npm-base');
  cpSync(dirname(dirname(realpathSync(npm))), join(context, 'npm'), { recursive: true });
  const link = 'ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && ln -s /bin/env /usr/bin/env';
  const lines = ['FROM local/node:one', 'COPY npm /usr/local/lib/node_modules/npm', `RUN mkdir -p /usr/bin && ${link}`];
  build(docker, context, 'local/npm', lines);
  return buildRunner(docker, 'node', 'local/npm');
}

/** Why no image of Python can be made of this machine's own; undefined when it can. */
export function whyNoPython(): string | undefined {
  if (hasVenv()) return undefined;
  const why = installPackages(['python3-venv']);
  return hasVenv() ? undefined : (why ?? 'python3-venv could not be installed');
}

function hasVenv(): boolean {
  return spawnSync('/usr/bin/python3', ['-c', 'import ensurepip, venv']).status === 0;
}

/** The runner image for packages of PyPI, on what this machine has of Debian's Python. @returns its id */
export function buildPythonRunner(docker: Pick<TestDocker, 'run'>, folder: string): string {
  const context = join(folder, 'python-base');
  const real = realpathSync('/usr/bin/python3');
  const library = `/usr/lib/${real.slice(real.lastIndexOf('/') + 1)}`;
  const parts = globSync(`${library}/lib-dynload/*.so`);
  const libraries = execFileSync('ldd', [real, ...parts], { encoding: 'utf8' }).matchAll(/(\/(?:usr\/)?lib[^ )\n:]+)/g);
  const files = [real, library, '/usr/share/python-wheels', ...new Set([...libraries].map(([path]) => path))];
  for (const file of files) {
    if (file !== library && file.startsWith(library)) continue;
    mkdirSync(join(context, 'root', dirname(file)), { recursive: true });
    cpSync(file, join(context, 'root', file), { recursive: true, dereference: true });
  }
  const link = `mkdir -p /usr/bin && ln -s ${real} /usr/bin/python3`;
  build(docker, context, 'local/python', ['FROM local/node:one', 'COPY root /', `RUN ${link}`]);
  return buildRunner(docker, 'python', 'local/python');
}

function build(docker: Pick<TestDocker, 'run'>, context: string, tag: string, dockerfile: readonly string[]): void {
  writeFileSync(join(context, 'Dockerfile'), dockerfile.map(line => `${line}\n`).join(''));
  docker.run('build', '-q', '--network', 'none', '-t', tag, context);
}

/** As docs/docker.md says, but for the network, which no build has here. */
function buildRunner(docker: Pick<TestDocker, 'run'>, name: 'node' | 'python', base: string): string {
  const tag = `mcpctl/runner-${name}`;
  const file = join(sources, `${name}.Dockerfile`);
  docker.run('build', '-q', '--network', 'none', '--build-arg', `BASE=${base}`, '-t', tag, '-f', file, sources);
  return docker.run('image', 'inspect', '-f', '{{.Id}}', tag);
}
