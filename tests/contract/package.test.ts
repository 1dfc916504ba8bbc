import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDocker, whyNoDocker } from '../docker/daemon.ts';

const root = join(import.meta.dirname, '..', '..');
const noDocker = whyNoDocker();
const MiB = 1024 ** 2;

let folder: string;
let packed: { filename: string; unpackedSize: number; files: { path: string; mode: number }[] };
/** The package as it was installed. */
let installed: string;
let env: Record<string, string>;

/** Run a program to its end. @returns stdout; throws, with stderr, when it fails */
function run(cwd: string, program: string, ...args: string[]): string {
  return execFileSync(program, args, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * MiB,
  });
}

const mcpctl = (cwd: string, ...args: string[]) =>
  run(cwd, join(folder, 'empty', 'node_modules', '.bin', 'mcpctl'), ...args);

/** The files of the package that a command loads, with their sizes. */
function loaded(...args: string[]): { names: string[]; bytes: number } {
  const report = join(folder, 'loaded.txt');
  const hook = join(folder, 'hook.mjs');
  writeFileSync(
    hook,
    `import { appendFileSync } from 'node:fs';
     import { registerHooks } from 'node:module';
     registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(report)}, url + '\\n'); return next(url, context); } });`,
  );
  rmSync(report, { force: true });
  run(folder, process.execPath, '--import', hook, join(installed, 'dist', 'main.js'), ...args);
  const names = readFileSync(report, 'utf8')
    .split('\n')
    .filter(url => url.includes('/dist/'));
  return { names, bytes: names.reduce((sum, url) => sum + statSync(new URL(url)).size, 0) };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-package-'));
  env = {
    // Node 24 first; git and npm, wherever they are.
    PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
    HOME: folder,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'Test',
    GIT_AUTHOR_EMAIL: 'test@example.com',
    GIT_COMMITTER_NAME: 'Test',
    GIT_COMMITTER_EMAIL: 'test@example.com',
  };
  for (const [name, value] of Object.entries(process.env)) {
    // How this machine reaches the registry, for the packages of servers.
    if (/^(?:https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|npm_config_registry)$/i.test(name))
      env[name] = value ?? '';
  }
  const npmrc = join(process.env.HOME ?? '', '.npmrc');
  if (existsSync(npmrc)) env.npm_config_userconfig = npmrc;
  [packed] = JSON.parse(run(root, 'npm', 'pack', '--json', '--foreground-scripts=false', '--pack-destination', folder));
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  const cache = join(folder, 'npm-cache');
  run(empty, 'npm', 'install', '--offline', '--no-audit', '--no-fund', '--cache', cache, join(folder, packed.filename));
  installed = join(empty, 'node_modules', 'mcpctl');
}, 120_000);

afterAll(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true, force: true });
});

describe('the package', () => {
  it('has what runs, and nothing else', () => {
    const other = packed.files.map(({ path }) => path).filter(path => !/^dist\/[\w-]+\.js$/.test(path));
    expect(other.filter(path => path !== 'LICENSE').sort()).toEqual([
      'README.md',
      'cli/mcpctl.mjs',
      'dist/THIRD-PARTY.txt',
      'docs/deploy/Dockerfile',
      'docs/deploy/Dockerfile.dockerignore',
      'docs/deploy/kubernetes-projects/access.yaml',
      'docs/deploy/kubernetes-projects/kustomization.yaml',
      'docs/deploy/kubernetes/access.yaml',
      'docs/deploy/kubernetes/gateway.yaml',
      'docs/deploy/kubernetes/kustomization.yaml',
      'docs/deploy/kubernetes/namespace.yaml',
      'docs/deploy/kubernetes/reconciler.yaml',
      'docs/deploy/kubernetes/settings.yaml',
      'example-repo/.github/workflows/plan.yml',
      'example-repo/.github/workflows/release.yml',
      'example-repo/.github/workflows/validate.yml',
      'hooks/commit-msg',
      'hooks/post-receive',
      'hooks/pre-commit',
      'hooks/pre-push',
      'hooks/pre-receive',
      'package.json',
      'reconciler/runtimes/docker/node-package.sh',
      'reconciler/runtimes/docker/node.Dockerfile',
      'reconciler/runtimes/docker/python-package.sh',
      'reconciler/runtimes/docker/python.Dockerfile',
    ]);
    expect(packed.unpackedSize).toBeLessThan(6 * MiB);
  });

  it('depends on nothing', () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect(manifest.dependencies ?? {}).toEqual({});
    expect(existsSync(join(installed, 'node_modules'))).toBe(false);
  });

  it('has the licences of what is bundled', () => {
    const text = readFileSync(join(installed, 'dist', 'THIRD-PARTY.txt'), 'utf8');
    for (const name of ['commander', 'fastify', 'yaml', 'zod', '@modelcontextprotocol/server']) {
      expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\\nLicence: `, 'm'));
    }
    expect(text).not.toContain('Licence: undefined');
  });

  it('loads only what a command needs', () => {
    const version = loaded('--version');
    expect(version.names.length).toBeGreaterThan(0);
    expect(version.bytes).toBeLessThan(0.15 * MiB);
    const help = loaded('up', '--help');
    expect(help.bytes).toBeLessThan(0.25 * MiB);
    mkdirSync(join(folder, 'small'));
    const validate = loaded('init', join(folder, 'small'), '--no-git');
    expect(validate.bytes).toBeLessThan(1 * MiB);
  });

  it('knows what it was made from', () => {
    const version = JSON.parse(mcpctl(folder, 'version', '-o', 'json'));
    const { version: expected } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(version).toMatchObject({ version: expected, node: process.versions.node });
    expect(version.commit).toMatch(/^[0-9a-f]{40}(?:-dirty)?$/);
  });

  it('makes a repository, checks it, runs it, and takes itself away again', () => {
    const work = join(folder, 'work');
    mkdirSync(work);
    mcpctl(work, 'init', 'tools', '--lock');
    const tools = join(work, 'tools');
    expect(run(tools, 'git', 'status', '--porcelain')).toBe('');
    const { problems } = JSON.parse(mcpctl(tools, 'validate', '-o', 'json'));
    expect(problems.filter(({ severity }: { severity: string }) => severity === 'error')).toEqual([]);
    expect(problems.map(({ code }: { code: string }) => code)).not.toContain('LOCK_MISSING');
    expect(mcpctl(tools, '__complete', '--', 'get', 'server', '')).toBe('memory\n:none\n');

    const status = JSON.parse(mcpctl(tools, 'up', '--once', '--port', '0', '-o', 'json'));
    expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    expect(status.servers).toMatchObject([{ name: 'memory', tools: 9 }]);

    expect(existsSync(join(folder, '.mcpctl', 'packages'))).toBe(true);
    mcpctl(tools, 'uninstall', '--yes');
    expect(existsSync(join(folder, '.mcpctl'))).toBe(false);
  }, 120_000);

  it.skipIf(noDocker)(
    noDocker === undefined ? 'runs servers in Docker' : `runs servers in Docker (skipped: ${noDocker})`,
    async () => {
      const docker = await startDocker();
      try {
        const server = `process.stdin.on('data', text => { for (const line of String(text).split('\\n').filter(Boolean)) {
          const { id, method, params } = JSON.parse(line);
          if (id === undefined) continue;
          const hello = { protocolVersion: params?.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'n', version: '1' } };
          const tools = [{ name: 'note', inputSchema: { type: 'object' } }];
          console.log(JSON.stringify({ jsonrpc: '2.0', id, result: method === 'initialize' ? hello : { tools } }));
        } })`;
        const repository = join(folder, 'contained');
        mkdirSync(join(repository, 'servers'), { recursive: true });
        const head = { apiVersion: 'mcpctl.dev/v1' };
        writeFileSync(
          join(repository, 'mcpctl.yaml'),
          JSON.stringify({ ...head, kind: 'Repository', spec: { id: 'contained' } }),
        );
        const spec = { transport: 'stdio', runtime: 'docker', image: docker.images[0], args: ['-e', server] };
        writeFileSync(join(repository, 'servers', 'notes.yaml'), JSON.stringify({ ...head, kind: 'Server', spec }));
        env.DOCKER_HOST = docker.host;
        const stateDir = join(folder, 'contained-state');
        const args = ['up', repository, '--once', '--port', '0', '--state-dir', stateDir, '-o', 'json'];
        const status = JSON.parse(mcpctl(folder, ...args));
        expect(status.servers).toMatchObject([{ name: 'notes', tools: 1 }]);
        expect(docker.run('ps', '-aq')).toBe('');
      } finally {
        delete env.DOCKER_HOST;
        await docker.stop();
      }
    },
    120_000,
  );
});
