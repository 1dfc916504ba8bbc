import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LaunchSpec, openProcessRuntime, type Runtime } from '../../reconciler/runtimes/index.ts';
import { installMissing } from '../docker/debian.ts';
import { processRecords } from './process-records.ts';

const reason =
  process.platform === 'linux' ? installMissing({ bwrap: 'bubblewrap', prlimit: 'util-linux' }) : 'not Linux';

describe.skipIf(reason !== undefined)(
  `isolated processes${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let folder: string;
    let runtime: Runtime;
    beforeEach(() => {
      folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcpctl-isolated-')));
      runtime = openProcessRuntime({
        stateDir: join(folder, 'state'),
        records: processRecords(),
        env: process.env,
        graceMs: 300,
      });
      writeFileSync(join(folder, 'secret'), 'of the host');
    });
    afterEach(async () => {
      await runtime.close();
      rmSync(folder, { recursive: true, force: true });
    });

    /** What a script says on stderr before it ends, run with the given declarations. */
    async function said(script: string, more: Partial<LaunchSpec>): Promise<{ words: string; caveats: string[] }> {
      const instance = await runtime.ensure(spec(script, more));
      if ('problem' in instance) throw new Error(instance.problem.message);
      const { lastLine } = await instance.exited;
      return { words: lastLine, caveats: instance.caveats.map(({ code }) => code) };
    }

    function spec(script: string, more: Partial<LaunchSpec>): LaunchSpec {
      return {
        id: 'server-0',
        server: 'server',
        ordinal: 0,
        specDigest: 'sha256:one',
        argv: [process.execPath, '-e', script],
        env: {},
        transport: 'stdio',
        port: 0,
        path: '/mcp',
        secrets: [],
        ...more,
      };
    }

    const attempt = (code: string) =>
      `try { console.error(String(${code})) } catch (error) { console.error(error.code) }`;
    const read = (path: string) => attempt(`require('node:fs').readFileSync('${path}')`);
    const write = (path: string) => attempt(`require('node:fs').writeFileSync('${path}', 'x') ?? 'written'`);
    const nothing = { isolation: { paths: [], network: 'full' as const } };

    it('without a declaration: the user’s rights, and said so', async () => {
      expect(await said(read(join(folder, 'secret')), {})).toEqual({ words: 'of the host', caveats: ['UNSANDBOXED'] });
    });

    it.each([
      ['reads no file that is not declared', () => read(join(folder, 'secret')), 'ENOENT'],
      ['has no home of the user’s', () => attempt(`require('node:fs').readdirSync('/root').length`), 'ENOENT'],
      ['reads no password file', () => read('/etc/shadow'), 'ENOENT'],
      ['writes no program', () => write('/usr/bin/evil'), 'EROFS'],
      ['is nobody', () => attempt('process.getuid()'), '65534'],
      ['sees no process but its own', () => attempt('process.pid < 10'), 'true'],
      ['writes at home', () => `process.chdir(process.env.HOME); ${write('mine')}`, 'written'],
    ])('isolated: %s', async (_situation, script, expected) => {
      expect(await said(script(), nothing)).toEqual({ words: expected, caveats: [] });
    });

    it.each([
      ['reads', 'read', 'of the host', 'EROFS'],
      ['reads and writes', 'write', 'of the host', 'written'],
    ] as const)('%s a path that is declared so', async (_situation, access, onRead, onWrite) => {
      const path = join(folder, 'secret');
      const isolation = { paths: [{ path, access }], network: 'full' as const };
      expect((await said(read(path), { isolation })).words).toBe(onRead);
      expect((await said(write(path), { isolation, specDigest: 'sha256:two' })).words).toBe(onWrite);
    });

    it.each([
      ['reaches the network', 'full', 'connected'],
      ['reaches nothing without a network', 'none', 'ENETUNREACH'],
    ] as const)('%s', async (_situation, network, expected) => {
      const { server, port } = await listen();
      const script = `require('node:net').connect(${port}, '127.0.0.1')
      .on('connect', function () { console.error('connected'); this.destroy(); })
      .on('error', error => console.error(error.code === 'ECONNREFUSED' ? 'ENETUNREACH' : error.code));`;
      expect((await said(script, { isolation: { paths: [], network } })).words).toBe(expected);
      server.close();
    });

    it.each<[string, Partial<LaunchSpec>, RegExp]>([
      ['only local addresses', { isolation: { paths: [], network: 'local' } }, /whole network, or none/],
      [
        'no network, and to be reached over it',
        { isolation: { paths: [], network: 'none' }, transport: 'streamable-http' },
        /could not be reached/,
      ],
    ])('refuses what it cannot give: %s', async (_situation, more, message) => {
      expect(await runtime.ensure(spec('', more))).toMatchObject({
        problem: { code: 'ISOLATION_IMPOSSIBLE', message: expect.stringMatching(message) },
      });
      expect(await runtime.list()).toEqual([]);
    });

    it('ends an isolated server and what it started', async () => {
      const script = `require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'],
      { detached: true, stdio: 'ignore' }); console.error('up'); setInterval(() => {}, 1e6);`;
      const instance = await runtime.ensure(spec(script, nothing));
      if ('problem' in instance) throw new Error(instance.problem.message);
      await expect.poll(() => instance.logs(), { timeout: 20_000 }).toContain('up');
      await runtime.remove('server-0');
      await instance.exited;
      expect(await runtime.reap()).toEqual([]);
    });

    it.each([
      [
        'more memory than it may',
        { memory: 200 * 1024 ** 2 },
        'Buffer.alloc(400e6, 1); console.error("had it")',
        /^(?!had it)/,
      ],
      ['as much memory as it may', { memory: 1024 ** 3 }, 'Buffer.alloc(400e6, 1); console.error("had it")', /had it/],
      [
        'more files than it may',
        { files: 64 },
        'try { for (let n = 0; n < 100; n++) require("node:fs").openSync("/dev/null") } catch (error) { console.error(error.code) }',
        /EMFILE/,
      ],
    ])('a server that takes %s', async (_situation, limits, script, expected) => {
      expect((await said(script, { limits })).words).toMatch(expected);
    });
  },
);

function listen(): Promise<{ server: Server; port: number }> {
  return new Promise(resolve => {
    const server = createServer(socket => socket.destroy()).listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({ server, port: typeof address === 'object' && address ? address.port : 0 });
    });
  });
}
