import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LaunchSpec, type Observed, openDockerRuntime, type Runtime } from '../../reconciler/runtimes/index.ts';
import { startDocker, whyNoDocker } from '../docker/daemon.ts';

const reason = whyNoDocker();
const docker = reason === undefined ? await startDocker() : undefined;
afterAll(() => docker?.stop());

const FOREVER = 'process.on("SIGTERM", () => process.exit()); setInterval(() => {}, 1e6)';
const MEBIBYTE = 1024 * 1024;

describe.skipIf(!docker)(
  reason === undefined ? 'a container' : `a container (skipped: ${reason})`,
  () => {
    if (!docker) return;
    const { run, host, images } = docker;
    let stateDir: string;
    let runtime: Runtime;
    beforeEach(() => {
      stateDir = mkdtempSync(join(tmpdir(), 'mcpctl-hardening-'));
      runtime = openDockerRuntime({
        stateDir,
        env: { DOCKER_HOST: host, MCPCTL_RUNNER_NODE: images[0] },
        graceMs: 300,
      });
    });
    afterEach(async () => {
      await runtime.close();
      rmSync(stateDir, { recursive: true, force: true });
    });

    const plain: LaunchSpec = {
      id: 'server-0',
      server: 'server',
      ordinal: 0,
      specDigest: 'sha256:one',
      argv: ['node', '-e', FOREVER],
      env: {},
      transport: 'stdio',
      port: 0,
      path: '/mcp',
      secrets: [],
    };
    const image = { image: images[0], argv: ['-e', FOREVER] };

    async function start(change: Partial<LaunchSpec> = {}): Promise<void> {
      const started = await runtime.ensure({ ...plain, ...change });
      if ('problem' in started) throw new Error(started.problem.message);
    }

    const owner = () => readFileSync(join(stateDir, 'owner'), 'utf8').slice(0, 12);
    const name = () => `mcpctl-${owner()}-server-0`;
    const inspect = () => JSON.parse(run('inspect', name()))[0];

    /** What a program in the container writes. */
    async function inside(script: string): Promise<{ code: number; stdout: string }> {
      const done = await runtime.exec('server-0', ['node', '-e', script], { timeoutMs: 60_000 });
      if ('problem' in done) throw new Error(done.problem.message);
      return done;
    }

    /** The only instance there is. */
    async function observed(): Promise<Observed> {
      const [one] = await runtime.list();
      if (!one) throw new Error('there is none');
      return one;
    }

    it.each<[situation: string, change: Partial<LaunchSpec>]>([
      ['a command', {}],
      ['a command over HTTP', { transport: 'streamable-http' }],
      ['an image', image],
      ['an image over HTTP', { ...image, transport: 'streamable-http' }],
    ])('of %s is given no more than it needs', async (_situation, change) => {
      await start(change);
      const { HostConfig, Mounts, Config, NetworkSettings } = inspect();
      expect(HostConfig).toMatchObject({
        Privileged: false,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        ReadonlyRootfs: true,
        NetworkMode: `mcpctl-${owner()}`,
        IpcMode: 'private',
        RestartPolicy: { Name: 'no' },
      });
      const nothing = [HostConfig.CapAdd, HostConfig.Binds, HostConfig.Devices, HostConfig.VolumesFrom];
      expect(nothing.flatMap(list => list ?? [])).toEqual([]);
      expect([HostConfig.PidMode, HostConfig.UTSMode, HostConfig.UsernsMode]).toEqual(['', '', '']);
      expect(Object.values(HostConfig.Tmpfs)).not.toEqual([]);
      for (const options of Object.values(HostConfig.Tmpfs)) expect(options).toMatch(/nosuid,nodev,size=67108864/);
      expect(Mounts.map(({ Type, Name }: { Type: string; Name: string }) => [Type, Name])).toEqual([
        ['volume', name()],
      ]);
      expect(JSON.stringify(inspect())).not.toContain('docker.sock"');
      expect(Object.keys(NetworkSettings.Networks)).toEqual([`mcpctl-${owner()}`]);
      expect(Config.Tty).toBe(false);
      const published = Object.values(HostConfig.PortBindings ?? {}).flat();
      const expected = change.transport ? [expect.objectContaining({ HostIp: '127.0.0.1' })] : [];
      expect(published).toEqual(expected);
      expect(await observed()).toMatchObject({ adoptable: true });
    });

    it('has no power over anything but its home and what is temporary', async () => {
      await start();
      const { stdout } = await inside(`
      const { readFileSync, writeFileSync } = require('node:fs');
      const status = readFileSync('/proc/self/status', 'utf8');
      const line = name => status.split('\\n').find(text => text.startsWith(name + ':'))?.split(/\\s+/)[1];
      const writes = path => { try { writeFileSync(path, 'x'); return true; } catch { return false; } };
      console.log(JSON.stringify({
        capabilities: ['CapEff', 'CapPrm', 'CapBnd'].map(line), privileges: line('NoNewPrivs'),
        writes: ['/etc/passwd', '/usr/x', '/proc/sys/kernel/hostname', '/tmp/x', '/home/server/x'].map(writes),
      }))`);
      expect(JSON.parse(stdout)).toEqual({
        capabilities: ['0000000000000000', '0000000000000000', '0000000000000000'],
        privileges: '1',
        writes: [false, false, false, true, true],
      });
    });

    it('keeps the user of its image', async () => {
      const context = join(stateDir, 'context');
      mkdirSync(context);
      writeFileSync(join(context, 'Dockerfile'), `FROM ${images[0]}\nUSER 1000:1000\n`);
      run('build', '-q', '-t', 'local/user', context);
      await start({ ...image, image: run('image', 'inspect', '-f', '{{.Id}}', 'local/user') });
      expect((await inside('console.log(process.getuid(), process.getgid())')).stdout).toBe('1000 1000\n');
      expect(inspect().Mounts).toEqual([]);
    });

    it.each<[situation: string, change: Partial<LaunchSpec>]>([
      ['paths of the host', { isolation: { paths: [{ path: '/srv', access: 'read' }], network: 'full' } }],
      [
        'the socket of Docker',
        { isolation: { paths: [{ path: '/var/run/docker.sock', access: 'write' }], network: 'full' } },
      ],
      ['to be reached without a network', { transport: 'streamable-http', isolation: { paths: [], network: 'none' } }],
    ])('that wants %s is refused, and not made', async (_situation, change) => {
      expect(await runtime.ensure({ ...plain, ...change })).toMatchObject({
        problem: { code: 'ISOLATION_IMPOSSIBLE' },
      });
      expect(await runtime.list()).toEqual([]);
    });

    it.each([
      ['full', 'connected'],
      ['none', 'ENETUNREACH'],
    ] as const)('with `isolation.network: %s` is %s when it asks the machine', async (network, outcome) => {
      await start({ isolation: { paths: [], network: 'full' } });
      const gateway = inspect().NetworkSettings.Networks[`mcpctl-${owner()}`].Gateway;
      const server = createServer(socket => socket.end()).listen(0, gateway);
      try {
        await new Promise(resolve => server.once('listening', resolve));
        const { port } = server.address() as { port: number };
        await start({ specDigest: 'sha256:two', isolation: { paths: [], network } });
        const { stdout } = await inside(`
        require('node:net').connect(${port}, '${gateway}', () => { console.log('connected'); process.exit(); })
          .on('error', ({ code }) => console.log(code))`);
        expect(stdout).toBe(`${outcome}\n`);
        const names = await inside('console.log(Object.keys(require("node:os").networkInterfaces()).join())');
        if (network === 'none') expect(names.stdout).toMatch(/^(?:lo)?\n$/);
      } finally {
        server.close();
      }
    });

    describe('has limits that bite:', () => {
      /** Docker tells of what this kernel cannot limit. */
      const able = JSON.parse(run('info', '-f', '{{json .}}')) as Record<string, boolean>;
      const cannot = (what: string) => (able[what] === true ? '' : ` (skipped: this kernel’s cgroups have no ${what})`);

      it.skipIf(cannot('MemoryLimit'))(`memory${cannot('MemoryLimit')}`, async () => {
        await start({ limits: { memory: 192 * MEBIBYTE } });
        const take = (megabytes: number) =>
          inside(
            `const all = []; for (let n = 0; n < ${megabytes}; n++) all.push(Buffer.alloc(1048576, 1)); console.log(all.length)`,
          );
        expect(await take(20)).toMatchObject({ code: 0, stdout: '20\n' });
        expect(await take(400)).toMatchObject({ code: 137, stdout: '' });
      });

      it.skipIf(cannot('PidsLimit'))(`processes${cannot('PidsLimit')}`, async () => {
        await start({ limits: { pids: 40 } });
        const { stdout } = await inside(`
        const { spawn } = require('node:child_process');
        const codes = new Set(); let open = 60;
        for (let n = 0; n < 60; n++) {
          const child = spawn('/bin/sleep', ['30']);
          const over = code => { codes.add(code); if (--open === 0) { console.log([...codes].sort().join()); process.exit(); } };
          child.once('error', ({ code }) => over(code)).once('spawn', () => over('ok'));
        }`);
        expect(stdout).toBe('EAGAIN,ok\n');
      });

      it.skipIf(cannot('CpuCfsQuota'))(`processors${cannot('CpuCfsQuota')}`, async () => {
        await start({ limits: { cpu: 0.1 } });
        const { stdout } = await inside(`
        const began = Date.now(), used = process.cpuUsage();
        while (Date.now() - began < 3000);
        const { user, system } = process.cpuUsage(used);
        console.log((user + system) / 1000 / (Date.now() - began))`);
        expect(Number(stdout)).toBeLessThan(0.3);
      });

      it('open files', async () => {
        await start({ limits: { files: 64 } });
        const { stdout } = await inside(`
        const { openSync } = require('node:fs');
        try { for (;;) openSync('/etc/passwd'); } catch ({ code }) { console.log(code); }`);
        expect(stdout).toBe('EMFILE\n');
      });
    });

    describe('found under our marks', () => {
      /** The same container again as a person would make it, and more. */
      function remake(options: readonly string[], of = images[0]): void {
        const { Config, HostConfig } = inspect();
        const labels = Object.entries(Config.Labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]);
        run('rm', '-f', name());
        const has = (flag: string) => options.some(option => option.startsWith(flag));
        const usual = [
          ...(has('--read-only') ? [] : ['--read-only']),
          ...(has('--cap-drop') ? [] : ['--cap-drop=ALL']),
          ...(has('--security-opt=no-new') ? [] : ['--security-opt=no-new-privileges']),
          ...(has('--network') ? [] : [`--network=${HostConfig.NetworkMode}`]),
        ];
        // Where the tests run, nobody may start a privileged one: it is enough that it is there.
        const how = has('--privileged') ? ['create'] : ['run', '-d'];
        const words = [...how, '--name', name(), ...labels, ...usual, ...options, '--entrypoint', 'node', of];
        run(...words, '-e', 'setInterval(() => {}, 1e6)');
      }

      it('is adopted when it is the same', async () => {
        await start();
        await runtime.close({ leave: true });
        remake([]);
        expect(await observed()).toMatchObject({ adoptable: true });
      });

      it.each<[situation: string, options: string[], why: RegExp]>([
        ['privileged', ['--privileged'], /privileged/],
        ['on the host’s network', ['--network=host'], /host’s network/],
        ['on another network', ['--network=none'], /on the network none/],
        ['with the host’s processes', ['--pid=host'], /host’s processes/],
        ['with the host’s shared memory', ['--ipc=host'], /host’s shared memory/],
        ['with the host’s name', ['--uts=host'], /host’s host name/],
        ['with a capability', ['--cap-add=NET_ADMIN'], /capabilities: .*NET_ADMIN/],
        ['with the usual capabilities', ['--cap-drop=KILL'], /usual capabilities/],
        ['without no-new-privileges', ['--security-opt=no-new-privileges=false'], /no-new-privileges=false/],
        ['without seccomp', ['--security-opt=seccomp=unconfined'], /seccomp=unconfined/],
        ['with a root that can be written', ['--read-only=false'], /root can be written/],
        ['with a folder of the host', ['-v', '/srv:/srv'], /mounts \/srv/],
        ['with a folder of the host, in other words', ['--mount', 'type=bind,source=/srv,target=/srv'], /mounts \/srv/],
        ['with the socket of Docker', ['-v', `${host.slice(7)}:/docker.sock`], /docker\.sock/],
        ['with another volume', ['--mount', 'type=volume,source=other,target=/data'], /volume other/],
        ['with a device', ['--device=/dev/null:/dev/x'], /\/dev\/null/],
        ['with a port for everybody', ['-p', '0.0.0.0::8080'], /open to other machines/],
        ['that Docker restarts', ['--restart=always'], /restarts it by itself/],
      ])('is not adopted %s, whatever is ignored', async (_situation, options, why) => {
        await start();
        await runtime.close({ leave: true });
        remake(options);
        const found = await observed();
        expect(found).toMatchObject({ owned: true, adoptable: false, why: expect.stringMatching(why) });
        expect(found).not.toHaveProperty('differs');
        const before = inspect().Id;
        runtime = openDockerRuntime({
          stateDir,
          env: { DOCKER_HOST: host, MCPCTL_RUNNER_NODE: images[0] },
          graceMs: 300,
        });
        await start({ ignoreFields: ['/spec', '/spec/image'] });
        expect(inspect().Id).not.toBe(before);
        expect(await observed()).toMatchObject({ adoptable: true });
      });

      it('is not adopted when it was taken to another network', async () => {
        await start();
        run('network', 'create', 'other');
        run('network', 'connect', 'other', name());
        expect(await observed()).toMatchObject({ adoptable: false, why: 'it is on the network other' });
      });

      it.each<[situation: string, change: () => void, field: string]>([
        ['another image', () => remake(['--memory=256m', '--pids-limit=64'], images[1]), '/spec/image'],
        [
          'more memory',
          () => void run('update', '--memory=300m', '--memory-swap=300m', name()),
          '/spec/resources/limits/memory',
        ],
        ['fewer processors', () => void run('update', '--cpus=0.5', name()), '/spec/resources/limits/cpu'],
        ['other processors', () => void run('update', '--cpuset-cpus=0', name()), '/spec/resources/limits/cpu'],
        ['more processes', () => void run('update', '--pids-limit=500', name()), '/spec/resources/limits/pids'],
      ])('with %s, it is adopted by whoever ignores that', async (_situation, change, field) => {
        const limits = { memory: 256 * MEBIBYTE, pids: 64 };
        await start({ limits });
        await runtime.close({ leave: true });
        change();
        expect(await observed()).toMatchObject({ adoptable: false, differs: [{ field }] });
        const before = inspect().Id;
        const next = openDockerRuntime({
          stateDir,
          env: { DOCKER_HOST: host, MCPCTL_RUNNER_NODE: images[0] },
          graceMs: 300,
        });
        runtime = next;
        const parent = field.slice(0, field.lastIndexOf('/'));
        const adopted = await next.ensure({ ...plain, limits, ignoreFields: [parent === '/spec' ? field : parent] });
        expect(adopted).toMatchObject({ adopted: true });
        expect(inspect().Id).toBe(before);
        expect(await next.ensure({ ...plain, limits, ignoreFields: ['/spec/args'] })).toMatchObject({ adopted: false });
        expect(inspect().Id).not.toBe(before);
      });
    });
  },
  120_000,
);
