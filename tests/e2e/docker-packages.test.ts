import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startDocker, whyNoDocker } from '../docker/daemon.ts';
import { addressFor, type Registries, startRegistries } from '../docker/registries.ts';
import { buildNodeRunner, buildPythonRunner, whyNoPython } from '../docker/runners.ts';
import { makeWheel } from '../docker/wheel.ts';
import { condition, startUp, type UpProcess } from './daemon.ts';

const root = join(import.meta.dirname, '..', '..');
const reason = whyNoDocker();
const pythonReason = whyNoPython();
const docker = reason === undefined ? await startDocker() : undefined;
afterAll(() => docker?.stop());

describe.skipIf(!docker)(
  reason === undefined ? 'packages in Docker' : `packages in Docker (skipped: ${reason})`,
  () => {
    if (!docker) return;
    let made: string;
    let registries: Registries;
    let folder: string;
    let running: UpProcess | undefined;

    beforeAll(async () => {
      made = mkdtempSync(join(tmpdir(), 'mcpctl-runners-'));
      const wheel = pythonReason === undefined ? makeWheel(made) : '';
      if (pythonReason === undefined) buildPythonRunner(docker, made);
      buildNodeRunner(docker, made);
      registries = await startRegistries(addressFor(docker), 'notes-server', wheel);
    }, 180_000);
    afterAll(() => {
      registries?.close();
      rmSync(made, { recursive: true, force: true });
    });

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'mcpctl-packages-'));
      write('ai/mcpctl.yaml', 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec: {id: example.com.ai}\n');
    });
    afterEach(async () => {
      await running?.stop();
      running = undefined;
      const left = docker.run('ps', '-aq', '--filter', 'label=mcpctl.dev/owner').split('\n');
      if (left[0] !== '') docker.run('rm', '-f', '-v', ...left);
      rmSync(folder, { recursive: true, force: true });
    });

    function write(path: string, text: string): void {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }

    function mcpctl(...args: string[]): string {
      const program = join(root, 'cli', 'mcpctl.mjs');
      const options = { cwd: folder, encoding: 'utf8' } as const;
      const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], options);
      if (status !== 0) throw new Error(stderr);
      return stdout;
    }

    function declare(packageOf: string, env: Record<string, string>): void {
      const variables = Object.entries(env).map(([name, value]) => `{name: ${name}, value: "${value}"}`);
      const spec = `  transport: stdio\n  package: ${packageOf}\n  env: [${variables.join(', ')}]\n`;
      write('ai/servers/notes.yaml', `apiVersion: mcpctl.dev/v1\nkind: Server\nspec:\n${spec}`);
    }

    async function up(): Promise<UpProcess> {
      const env = { DOCKER_HOST: docker?.host ?? '' };
      const args = ['--runtime', 'docker'];
      running = await startUp({ repository: join(folder, 'ai'), stateDir: join(folder, 'state'), env, args });
      return running;
    }

    const ready = (up: UpProcess) =>
      up.until('everything to be Ready', now => condition(now, 'Ready') === 'True', 120_000);

    const container = () => docker.run('ps', '-q', '--filter', 'label=mcpctl.dev/instance=notes-0');
    const inside = (...argv: string[]) => docker.run('exec', container(), ...argv);

    describe('of npm', () => {
      const lockFile = 'ai/locks/servers/notes/package-lock.json';
      const memory = '{registry: npm, identifier: "@modelcontextprotocol/server-memory", version: 2026.8.31}';
      const tarballs = () => registries.asked.filter(url => url.endsWith('.tgz'));

      beforeEach(() => declare(memory, { npm_config_registry: registries.npm }));

      it('are installed as they were reviewed, once, and served', async () => {
        mcpctl('lock', 'notes', '-C', 'ai');
        const lock = readFileSync(join(folder, lockFile));
        const first = await up();
        expect((await ready(first)).servers).toMatchObject([{ name: 'notes', tools: 9 }]);
        const digest = createHash('sha256').update(lock).digest('hex');
        expect(inside('sha256sum', '/home/server/package/package-lock.json')).toContain(digest);
        const { packages } = JSON.parse(lock.toString()) as { packages: Record<string, { version?: string }> };
        const installed = JSON.parse(inside('cat', '/home/server/package/node_modules/.package-lock.json'));
        for (const [path, { version }] of Object.entries(installed.packages) as [string, { version: string }][]) {
          expect([path, version]).toEqual([path, packages[path]?.version]);
        }
        expect(inside('id', '-u')).toBe('1000');
        const count = tarballs().length;
        expect(count).toBeGreaterThan(10);

        const before = container();
        docker.run('kill', before);
        await expect.poll(() => container() !== '' && container() !== before, { timeout: 60_000 }).toBe(true);
        await ready(first);
        expect(tarballs()).toHaveLength(count);
      });

      it('are not started when they are not what was reviewed', async () => {
        mcpctl('lock', 'notes', '-C', 'ai');
        const lock = JSON.parse(readFileSync(join(folder, lockFile), 'utf8'));
        const entry = lock.packages['node_modules/@modelcontextprotocol/server-memory'];
        entry.integrity = `sha512-${Buffer.alloc(64, 7).toString('base64')}`;
        write(lockFile, `${JSON.stringify(lock, null, 2)}\n`);
        const started = await up();
        const status = await started.until('it to be told', now =>
          now.problems.some(({ code }) => code === 'PACKAGE_INSTALL_FAILED'),
        );
        const told = status.problems.find(({ code }) => code === 'PACKAGE_INSTALL_FAILED');
        expect(told).toMatchObject({
          resource: 'server/notes',
          message: expect.stringMatching(/integrity|EINTEGRITY/),
        });
        expect(condition(status, 'Ready')).toBe('False');
      });
    });

    it.skipIf(pythonReason)(
      pythonReason === undefined ? 'of PyPI are installed and served' : `of PyPI (skipped: ${pythonReason})`,
      async () => {
        const { hostname } = new URL(registries.pypi);
        const index = { PIP_INDEX_URL: registries.pypi, PIP_TRUSTED_HOST: hostname };
        declare('{registry: pypi, identifier: notes-server, version: 1.0.0}', index);
        const status = await ready(await up());
        expect(status.servers).toMatchObject([{ name: 'notes', tools: 1 }]);
        expect(inside('id', '-u')).toBe('1000');
      },
    );
  },
  240_000,
);
