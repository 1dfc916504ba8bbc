import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Status } from '../../reconciler/index.ts';
import { startDocker, whyNoDocker } from '../docker/daemon.ts';
import { commandsOf, filesOf } from '../guide.ts';
import { condition, startUp, type UpProcess } from './daemon.ts';

const root = join(import.meta.dirname, '..', '..');
const guide = readFileSync(join(root, 'docs', 'docker.md'), 'utf8');
const reason = whyNoDocker();
const docker = reason === undefined ? await startDocker() : undefined;
afterAll(() => docker?.stop());

describe.skipIf(!docker)(
  reason === undefined ? 'servers in Docker' : `servers in Docker (skipped: ${reason})`,
  () => {
    if (!docker) return;
    let folder: string;
    let running: UpProcess | undefined;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'mcpctl-docker-'));
      for (const [path, text] of filesOf(guide)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
      const mcpctl = join(folder, 'mcpctl');
      writeFileSync(mcpctl, `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'cli', 'mcpctl.mjs')}" "$@"\n`);
      chmodSync(mcpctl, 0o755);
    });
    afterEach(async () => {
      await running?.stop();
      running = undefined;
      const left = docker.run('ps', '-aq', '--filter', 'label=mcpctl.dev/owner').split('\n');
      if (left[0] !== '') docker.run('rm', '-f', '-v', ...left);
      rmSync(folder, { recursive: true, force: true });
    });

    function shell(command: string): { output: string; code: number | null } {
      const env = {
        ...process.env,
        PATH: `${folder}:${process.env.PATH}`,
        DOCKER_HOST: docker?.host,
        BASE: 'local/node:one',
      };
      const { stdout, stderr, status } = spawnSync('bash', ['-c', command], { cwd: folder, env, encoding: 'utf8' });
      return { output: stdout + stderr, code: status };
    }

    function up(...args: string[]): Promise<UpProcess> {
      const env = { DOCKER_HOST: docker?.host ?? '' };
      return startUp({ repository: join(folder, 'ai'), stateDir: join(folder, 'state'), env, args });
    }

    /** @param spec more of the Server, as YAML */
    async function started({ spec = '', args = [] }: { spec?: string; args?: string[] } = {}): Promise<UpProcess> {
      for (const command of commandsOf(guide).slice(0, 3)) expect(shell(command)).toMatchObject({ code: 0 });
      appendFileSync(join(folder, 'ai', 'servers', 'notes.yaml'), spec);
      running = await up(...args);
      await running.until('everything to be Ready', status => condition(status, 'Ready') === 'True');
      return running;
    }

    /** `<id> <when it started>` */
    function container(): string {
      const id = docker?.run('ps', '-q', '--no-trunc', '--filter', 'label=mcpctl.dev/instance=notes-0') ?? '';
      return id === '' ? '' : `${id} ${docker?.run('inspect', '-f', '{{.State.StartedAt}}', id)}`;
    }

    it('the guide’s session does what it says', () => {
      const commands = commandsOf(guide);
      expect(commands.length).toBeGreaterThan(4);
      let last = '';
      for (const command of commands) {
        const { output, code } = shell(command);
        expect(`${command}\n${code}\n${output}`).toContain(`${command}\n0\n`);
        last = output;
      }
      expect(last).toBe('');
    });

    it('a daemon that stops leaves its containers, and the next one adopts them', async () => {
      const first = await started();
      const before = container();
      expect(before).not.toBe('');
      expect(await first.stop()).toBe(0);
      expect(container()).toBe(before);
      running = await up();
      const status = await running.until('everything to be Ready', now => condition(now, 'Ready') === 'True');
      expect(status.servers).toMatchObject([{ name: 'notes', tools: 1 }]);
      expect(container()).toBe(before);
    });

    it('a daemon that is killed leaves no second container', async () => {
      const first = await started();
      const before = container();
      first.child.kill('SIGKILL');
      running = await up();
      await running.until('everything to be Ready', now => condition(now, 'Ready') === 'True');
      expect(container()).toBe(before);
      expect(docker.run('ps', '-aq', '--filter', 'label=mcpctl.dev/owner').split('\n')).toHaveLength(1);
    });

    it('what is no longer declared is removed, also by the next daemon', async () => {
      const first = await started();
      await first.stop();
      rmSync(join(folder, 'ai', 'servers', 'notes.yaml'));
      running = await up();
      await running.until(
        'everything to be Ready',
        now => condition(now, 'Ready') === 'True' && now.servers.length === 0,
      );
      await expect.poll(container, { timeout: 20_000 }).toBe('');
    });

    it.each([
      ['killed', ['kill'], /SIGKILL|exited/],
      ['removed', ['rm', '-f'], /SERVER_EXITED/],
      ['paused', ['pause'], /somebody paused it; it is replaced/],
      ['given other limits', ['update', '--cpus', '0.5'], /somebody changed its limits \(cpu\); it is replaced/],
    ])('what somebody has %s is found by Docker’s events, told, and put right', async (_situation, args, told) => {
      const up = await started();
      const [id = ''] = container().split(' ');
      docker.run(...args, id);
      const isOther = () => container().split(' ')[0] !== id && container() !== '';
      await expect.poll(isOther, { timeout: 60_000 }).toBe(true);
      await up.until('everything to be Ready', now => condition(now, 'Ready') === 'True');
      expect(up.stderr()).toMatch(told);
    });

    it.each([
      ['by the daemon', '', ['--drift', 'report']],
      ['by its server', '  drift: report\n', []],
    ])('what is only to be reported, %s, is told, shown as Degraded, and left', async (_who, spec, args) => {
      const up = await started({ spec, args });
      const before = container();
      docker.run('update', '--cpus', '0.5', before.split(' ')[0] ?? '');
      const degraded = (now: Status) =>
        now.servers[0]?.conditions.find(({ type, status }) => type === 'Degraded' && status === 'True');
      const status = await up.until('it to be Degraded', now => degraded(now) !== undefined);
      expect(degraded(status)).toMatchObject({
        reason: 'Drift',
        message: 'notes-0: somebody changed its limits (cpu)',
      });
      expect(up.stderr()).toMatch(/somebody changed its limits \(cpu\); it is left as it is/);
      expect(shell('mcpctl status --state-dir state').output).toMatch(
        /^changed +notes-0: somebody changed its limits/m,
      );
      const described = shell('mcpctl describe instance notes-0 --state-dir state').output;
      expect(described).toMatch(/^Changed: +somebody changed its limits \(cpu\)$/m);
      expect(container()).toBe(before);
      docker.run('pause', before.split(' ')[0] ?? '');
      await up.until('the pause to be told', now => degraded(now)?.message === 'notes-0: somebody paused it');
      docker.run('unpause', before.split(' ')[0] ?? '');
      await up.stop();
      expect(container()).toBe(before);
    });

    it('a field that is ignored is no drift, also for the next daemon; what takes protection away is', async () => {
      const spec = '  ignoreFields: [/spec/resources]\n';
      const first = await started({ spec });
      const before = container();
      const [id = ''] = before.split(' ');
      docker.run('update', '--memory', '300m', '--memory-swap', '300m', id);
      docker.run('network', 'create', 'elsewhere');
      await first.until('a look at it', now => condition(now, 'Ready') === 'True');
      expect(shell('mcpctl reconcile --state-dir state')).toMatchObject({ code: 0 });
      expect(container()).toBe(before);
      await first.stop();
      running = await up();
      await running.until('everything to be Ready', now => condition(now, 'Ready') === 'True');
      expect(container()).toBe(before);
      expect(running.stderr()).not.toMatch(/INSTANCE_CHANGED/);

      docker.run('network', 'connect', 'elsewhere', id);
      expect(shell('mcpctl reconcile --state-dir state')).toMatchObject({ code: 0 });
      const isOther = () => container() !== '' && container() !== before;
      await expect.poll(isOther, { timeout: 60_000 }).toBe(true);
      // What it wrote meanwhile may not have been read yet.
      const told = () => running?.stderr() ?? '';
      await expect.poll(told, { timeout: 10_000 }).toMatch(/it is on the network elsewhere; it is replaced/);
    });

    it('waits for a Docker that is away, and says so', async () => {
      const up = await started();
      await docker.down();
      await up.until('it to be told', now => now.problems.some(({ code }) => code === 'RUNTIME_UNREACHABLE'));
      await docker.up();
      await up.until('everything to be Ready', now => condition(now, 'Ready') === 'True');
    });

    it('an image that is not there is told in Docker’s own words', async () => {
      await started();
      const server = join(folder, 'ai', 'servers', 'notes.yaml');
      const missing = `nowhere.invalid/notes@sha256:${'0'.repeat(64)}`;
      writeFileSync(server, readFileSync(server, 'utf8').replace(/image: .*/, `image: ${missing}`));
      shell('mcpctl reconcile --state-dir state');
      const status = await running?.until('it to be told', now =>
        now.problems.some(({ code }) => code === 'IMAGE_MISSING'),
      );
      const told = status?.problems.find(({ code }) => code === 'IMAGE_MISSING');
      expect(told?.message).toMatch(/nowhere\.invalid.*(?:no such host|lookup|dial)/);
    });
  },
  120_000,
);
