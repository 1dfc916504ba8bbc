import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clientEnv } from '../docker/client.ts';
import { type NpmRegistry, serveNpmPackage } from '../docker/npm-package.ts';
import { type Registries, startRegistries } from '../docker/registries.ts';
import { buildNodeRunner, buildPythonRunner, whyNoPython } from '../docker/runners.ts';
import { makeWheel } from '../docker/wheel.ts';
import { condition, startUp, type UpProcess } from '../e2e/daemon.ts';
import { startCluster, whyNoCluster } from './cluster.ts';

const noCluster = whyNoCluster();
const noPython = whyNoPython();
const cluster = noCluster === undefined ? startCluster() : undefined;
afterAll(() => cluster?.stop());
// Images are made on the node itself: there is no registry.
const reason = noCluster ?? (cluster?.dockerHost === undefined ? 'the node’s Docker is not known' : undefined);
const title = reason === undefined ? 'packages in a cluster' : `packages in a cluster (skipped: ${reason})`;

const root = join(import.meta.dirname, '..', '..');
const example = join(root, 'example-repo');
const LOCK = 'ai/locks/servers/notes/package-lock.json';

describe.skipIf(reason !== undefined)(title, { timeout: 240_000 }, () => {
  if (!cluster || reason !== undefined) return;
  const { kubectl, kubeconfig, image, dockerHost = '' } = cluster;
  let made: string;
  let folder: string;
  let registries: Registries;
  let overHttp: NpmRegistry;
  let running: UpProcess | undefined;

  beforeAll(async () => {
    made = mkdtempSync(join(tmpdir(), 'mcpctl-kube-'));
    const env = clientEnv(dockerHost);
    const docker = {
      run: (...args: string[]) => execFileSync('docker', args, { env, encoding: 'utf8', stdio: 'pipe' }).trim(),
    };
    docker.run('tag', image, 'local/node:one');
    buildNodeRunner(docker, made);
    // The same tag would be `latest`, and is on the node already.
    docker.run('tag', 'mcpctl/runner-node', 'local/runner-node:1');
    if (noPython === undefined) {
      buildPythonRunner(docker, made);
      docker.run('tag', 'mcpctl/runner-python', 'local/runner-python:1');
    }
    const address = kubectl('get', 'node', '-o', 'jsonpath={.items[0].status.addresses[0].address}');
    registries = await startRegistries(address, 'notes-server', noPython === undefined ? makeWheel(made) : '');
    overHttp = await serveNpmPackage(made, address);
  }, 240_000);
  afterAll(() => {
    registries?.close();
    overHttp?.close();
    rmSync(made, { recursive: true, force: true });
  });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcpctl-kube-'));
    write('ai/mcpctl.yaml', 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec: {id: example.com.ai}\n');
    write('ai/projects/team/project.yaml', 'apiVersion: mcpctl.dev/v1\nkind: Project\nspec: {servers: [notes]}\n');
  });
  afterEach(async () => {
    await running?.stop();
    running = undefined;
    const left = kubectl('get', 'namespace', '-l', 'mcpctl.dev/owner', '-o', 'jsonpath={.items[*].metadata.name}');
    if (left !== '') kubectl('delete', 'namespace', '--wait=false', '--ignore-not-found', ...left.split(' '));
    rmSync(folder, { recursive: true, force: true });
  });

  function write(path: string, text: string | Buffer): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }

  /** A server by the name `notes`. */
  function declare(transport: string, packageOf: string, env: Record<string, string>): void {
    const variables = Object.entries(env).map(([name, value]) => `{name: ${name}, value: "${value}"}`);
    const spec = `  transport: ${transport}\n  package: ${packageOf}\n  env: [${variables.join(', ')}]\n`;
    write('ai/servers/notes.yaml', `apiVersion: mcpctl.dev/v1\nkind: Server\nspec:\n${spec}`);
  }

  async function ready() {
    running = await startUp({
      repository: join(folder, 'ai'),
      stateDir: join(folder, 'state'),
      env: {
        KUBECONFIG: kubeconfig,
        MCPCTL_RUNNER_NODE: 'local/runner-node:1',
        MCPCTL_RUNNER_PYTHON: 'local/runner-python:1',
      },
      args: ['--runtime', 'kubernetes'],
    });
    return running.until('it to be Ready', now => condition(now, 'Ready') === 'True', 150_000);
  }

  function inside(...argv: string[]): string {
    // Not that of a test before, which is still being deleted.
    const namespace = `mcpctl-${readFileSync(join(folder, 'state', 'kubernetes-owner'), 'utf8').slice(0, 12)}`;
    const where = ['-n', namespace, 'get', 'pod', '-l', 'mcpctl.dev/instance=notes-0'];
    const pod = kubectl(...where, '-o', 'jsonpath={.items[0].metadata.name}');
    return kubectl('-n', namespace, 'exec', pod, '--', ...argv);
  }

  it('of npm are installed from their lock, once, and served', async () => {
    const yaml = readFileSync(join(example, 'servers', 'memory.yaml'), 'utf8');
    const [identifier = '', version = ''] = ['identifier', 'version'].map(
      key => new RegExp(`${key}: *["']?([^"'\\s,}]+)`).exec(yaml)?.[1],
    );
    const packageOf = `{registry: npm, identifier: "${identifier}", version: ${version}}`;
    declare('stdio', packageOf, { npm_config_registry: registries.npm });
    const lock = readFileSync(join(example, 'locks/servers/memory/package-lock.json'));
    write(LOCK, lock);
    expect((await ready()).servers).toMatchObject([{ name: 'notes', tools: 9 }]);
    expect(registries.asked.some(url => url.endsWith('.tgz'))).toBe(true);
    const count = registries.asked.length;
    const digest = inside('sh', '-c', 'sha256sum </tmp/mcpctl-package-lock.json').slice(0, 64);
    inside('mcpctl-package', 'install', identifier, version, 'no-scripts', digest);
    expect(registries.asked).toHaveLength(count);
    const hello = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
    });
    const run = inside('sh', '-c', `echo '${hello}' | timeout 10 mcpctl-package run ${identifier}`);
    expect(JSON.parse(run.split('\n')[0] ?? '')).toMatchObject({ id: 1, result: { serverInfo: {} } });
  });

  it.skipIf(noPython)(
    noPython === undefined ? 'of PyPI are installed and served' : `of PyPI (skipped: ${noPython})`,
    async () => {
      const index = { PIP_INDEX_URL: registries.pypi, PIP_TRUSTED_HOST: new URL(registries.pypi).hostname };
      declare('stdio', '{registry: pypi, identifier: notes-server, version: 1.0.0}', index);
      expect((await ready()).servers).toMatchObject([{ name: 'notes', tools: 1 }]);
      expect(inside('id', '-u')).toBe('1000');
    },
  );

  it.each([false, true])('that speak HTTP are served through their port; by a lock: %s', async hasLock => {
    const { url, identifier, version, asked } = overHttp;
    const packageOf = `{registry: npm, identifier: ${identifier}, version: ${version}}`;
    declare('streamable-http', packageOf, { npm_config_registry: url });
    if (hasLock) {
      const env = { ...process.env, npm_config_registry: url };
      const argv = [join(root, 'cli', 'mcpctl.mjs'), 'lock', 'notes', '-C', 'ai'];
      // Not in step: this process answers what it asks.
      await promisify(execFile)(process.execPath, argv, { cwd: folder, env });
    }
    const before = asked.length;
    expect((await ready()).servers).toMatchObject([{ name: 'notes', tools: 1 }]);
    expect(asked.slice(before).some(path => path.endsWith('.tgz'))).toBe(true);
    const reviewed = hasLock
      ? createHash('sha256')
          .update(readFileSync(join(folder, LOCK)))
          .digest('hex')
      : '-';
    const stamp = inside('cat', '/home/server/package/.installed');
    expect(stamp).toBe(`${identifier}@${version} no-scripts ${reviewed}`);
  });
});
