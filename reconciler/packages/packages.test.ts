import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeLock } from './make-lock.ts';
import { npmEnvironment } from './npm.ts';
import { openPackageStore, type PackageRequest } from './store.ts';

interface Fake {
  bin?: string | Record<string, string>;
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  files?: Record<string, string>;
}

const program = { 'index.js': 'console.log("hi")' };
const packages: Record<string, Fake> = {
  plain: { bin: 'index.js', files: program, dependencies: { helper: '^1.0.0' } },
  helper: { scripts: { install: 'touch ran' } },
  '@scope/named': { bin: { other: 'x.js', named: 'index.js' }, files: program },
  single: { bin: { whatever: './dist/a.js' }, files: { 'dist/a.js': '' } },
  several: { bin: { one: 'a.js', two: 'a.js' }, files: { 'a.js': '' } },
  programless: { files: program },
  outside: { bin: '../../../outside.js', files: program },
  absent: { bin: 'absent.js', files: program },
  hangs: { bin: 'index.js', files: program },
};

let scratch: string;
let server: Server;
let env: NodeJS.ProcessEnv;
let dir: string;
const tarballs = new Map<string, Buffer>();
const asked: string[] = [];

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'mcpctl-packages-'));
  for (const [name, fake] of Object.entries(packages)) tarballs.set(name, pack(name, fake));
  server = createServer((request, response) => {
    const [name = '', tarball] = decodeURIComponent(request.url ?? '')
      .slice(1)
      .split('/-/');
    asked.push(tarball ? `tarball ${name}` : name);
    const bytes = tarballs.get(name);
    if (!bytes) response.writeHead(404).end('{}');
    else if (!tarball) response.end(JSON.stringify(packument(name, bytes)));
    else if (name !== 'hangs') response.end(bytes);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(scratch, { recursive: true, force: true });
});
beforeEach(() => {
  const own = mkdtempSync(join(scratch, 'test-'));
  dir = join(own, 'store');
  env = {
    PATH: process.env.PATH,
    HOME: own,
    npm_config_registry: `http://127.0.0.1:${port()}/`,
    npm_config_cache: join(own, 'cache'),
  };
  asked.length = 0;
});

function port(): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

function manifest(name: string) {
  const { files, ...rest } = packages[name] ?? {};
  return { name, version: '1.0.0', ...rest };
}

function pack(name: string, fake: Fake): Buffer {
  const root = join(scratch, 'made', name.replace('/', '+'));
  for (const [path, text] of Object.entries({ ...fake.files, 'package.json': JSON.stringify(manifest(name)) })) {
    mkdirSync(dirname(join(root, 'package', path)), { recursive: true });
    writeFileSync(join(root, 'package', path), text);
  }
  return execFileSync('tar', ['-cz', '-C', root, 'package']);
}

function packument(name: string, bytes: Buffer) {
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  const tarball = `http://127.0.0.1:${port()}/${name}/-/x-1.0.0.tgz`;
  const hasInstallScript = packages[name]?.scripts !== undefined;
  const version = { ...manifest(name), hasInstallScript, dist: { tarball, integrity } };
  return { name, 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } };
}

async function lockOf(identifier: string): Promise<Buffer> {
  const lock = await makeLock({ identifier, version: '1.0.0', env });
  if (!Buffer.isBuffer(lock)) throw new Error(lock.problem.message);
  return lock;
}

function request(identifier: string, more: Partial<PackageRequest> = {}): PackageRequest {
  return { identifier, version: '1.0.0', installScripts: false, ...more };
}

describe('makeLock', () => {
  it('pins all by digest, names no address, and is the same each time', async () => {
    const lock = await lockOf('plain');
    const { packages: entries } = JSON.parse(lock.toString());
    expect(Object.keys(entries)).toEqual(['', 'node_modules/helper', 'node_modules/plain']);
    expect(entries['node_modules/helper']).toMatchObject({
      version: '1.0.0',
      integrity: expect.stringMatching(/^sha512-/),
    });
    expect(lock.toString()).not.toMatch(/https?:|resolved/);
    expect((await lockOf('plain')).equals(lock)).toBe(true);
  });

  it.each([
    ['a package that is not there', 'nothing', 'E404'],
    ['a version that is not there', 'plain@9', 'ETARGET'],
  ])('says npm’s own words: %s', async (_situation, what, words) => {
    const [identifier = '', version = '1.0.0'] = what.split('@');
    const result = await makeLock({ identifier, version: version === '9' ? '9.0.0' : version, env });
    expect(result).toMatchObject({
      problem: { code: 'PACKAGE_INSTALL_FAILED', message: expect.stringContaining(words) },
    });
  });
});

describe('install', () => {
  it.each([
    ['with a lock', true],
    ['without a lock', false],
  ])('installs once, %s', async (_situation, locked) => {
    const lock = locked ? { lock: await lockOf('plain') } : {};
    asked.length = 0;
    const store = openPackageStore({ dir, env });
    const results = await Promise.all([1, 2, 3].map(() => store.install(request('plain', lock))));
    expect(new Set(results.map(result => JSON.stringify(result))).size).toBe(1);
    expect(asked.filter(name => name === 'tarball plain')).toHaveLength(1);
    const [result] = results;
    if (!result || 'problem' in result) throw new Error(JSON.stringify(result));
    expect(execFileSync(process.execPath, [result.entry], { encoding: 'utf8' })).toBe('hi\n');
    expect(result.entry).toBe(join(result.root, 'index.js'));
    asked.length = 0;
    expect(await openPackageStore({ dir, env: {} }).install(request('plain', lock))).toEqual(result);
    expect(asked).toEqual([]);
    expect(readdirSync(dir).filter(name => name.startsWith('.'))).toEqual([]);
  });

  it.each([
    ['not unless they are allowed', false],
    ['when they are allowed', true],
  ])('runs install scripts: %s', async (_situation, installScripts) => {
    const lock = await lockOf('plain');
    writeFileSync(join(env.HOME ?? '', '.npmrc'), `ignore-scripts=${installScripts}\n`);
    const result = await openPackageStore({ dir, env }).install(request('plain', { lock, installScripts }));
    if ('problem' in result) throw new Error(result.problem.message);
    expect(existsSync(join(result.root, '../helper/ran'))).toBe(installScripts);
  });

  it.each([
    ['a lock of other bytes', { lock: true }],
    ['install scripts', { installScripts: true }],
  ])(
    'keeps apart what differs in %s',
    async (_situation, { lock, ...more }: { lock?: boolean; installScripts?: boolean }) => {
      const store = openPackageStore({ dir, env });
      const one = await store.install(request('single'));
      const other = await store.install(request('single', { ...more, ...(lock && { lock: await lockOf('single') }) }));
      expect(other).not.toEqual(one);
      expect(other).not.toHaveProperty('problem');
    },
  );

  it.each([
    ['the one named like the package', '@scope/named', 'index.js'],
    ['the only one', 'single', 'dist/a.js'],
  ])('chooses the program: %s', async (_situation, name, file) => {
    if (name === '@scope/named') expect(packages[name]?.bin).toHaveProperty('other');
    const result = await openPackageStore({ dir, env }).install(request(name));
    expect(result).toMatchObject({ entry: expect.stringMatching(new RegExp(`/node_modules/${name}/${file}$`)) });
  });

  it.each([
    ['several programs', 'several', /one, two/],
    ['no program', 'programless', /declares no program/],
    ['a program outside', 'outside', /not a file inside the package|no program/],
    ['a program that is absent', 'absent', /not a file inside the package/],
    ['a package that is not there', 'nothing', /E404/],
  ])('refuses %s, and leaves nothing', async (_situation, name, message) => {
    const result = await openPackageStore({ dir, env }).install(request(name));
    expect(result).toMatchObject({
      problem: { code: 'PACKAGE_INSTALL_FAILED', message: expect.stringMatching(message) },
    });
    expect(readdirSync(dir)).toEqual([]);
  });

  it.each([
    ['not a lock', () => '{}', /EUSAGE/],
    ['for another package', (lock: string) => lock.replaceAll('plain', 'single'), /EUSAGE/],
    [
      'of another digest',
      (lock: string) => lock.replace(/sha512-./g, 'sha512-A').replace(/sha512-A/, 'sha512-B'),
      /EINTEGRITY/,
    ],
  ])('refuses a lock that is %s', async (_situation, change, message) => {
    const lock = Buffer.from(change((await lockOf('plain')).toString()));
    const result = await openPackageStore({ dir, env }).install(request('plain', { lock }));
    expect(result).toMatchObject({ problem: { message: expect.stringMatching(message) } });
  });

  it('says that npm is missing', async () => {
    const result = await openPackageStore({ dir, env: { PATH: scratch } }).install(request('plain'));
    expect(result).toMatchObject({ problem: { code: 'NPM_MISSING' } });
  });

  it('is cancelled when nobody waits any more, and starts anew for the next', async () => {
    const lock = await lockOf('hangs');
    const store = openPackageStore({ dir, env });
    const [first, second] = [new AbortController(), new AbortController()];
    const results = [first, second].map(({ signal }) => store.install(request('hangs', { lock, signal })));
    await expect.poll(() => asked.includes('tarball hangs'), { timeout: 20_000 }).toBe(true);
    first.abort();
    expect(await results[0]).toMatchObject({ problem: { message: expect.stringContaining('cancelled') } });
    expect(readdirSync(dir)).toHaveLength(1);
    second.abort();
    expect(await results[1]).toMatchObject({ problem: { message: expect.stringContaining('cancelled') } });
    await expect.poll(() => readdirSync(dir), { timeout: 20_000 }).toEqual([]);
    expect(await store.install(request('single'))).not.toHaveProperty('problem');
  });

  it('never takes half a folder for whole, and removes what the dead left', async () => {
    const first = await openPackageStore({ dir, env }).install(request('single'));
    if ('problem' in first) throw new Error(first.problem.message);
    rmSync(first.entry);
    const dead = execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }).trim();
    mkdirSync(join(dir, `.tmp-${dead}-123-abc`));
    const old = join(dir, `.tmp-${process.pid}-1-abc`);
    mkdirSync(old);
    utimesSync(old, 0, 0);
    expect(await openPackageStore({ dir, env }).install(request('single'))).toEqual(first);
    expect(existsSync(first.entry)).toBe(true);
    expect(readdirSync(dir)).toHaveLength(1);
  });

  it('stores that race for one package all get it', async () => {
    const stores = [1, 2, 3].map(() => openPackageStore({ dir, env }));
    const results = await Promise.all(stores.map(store => store.install(request('single'))));
    expect(new Set(results.map(result => JSON.stringify(result))).size).toBe(1);
    expect(results[0]).not.toHaveProperty('problem');
    expect(readdirSync(dir)).toHaveLength(1);
  });
});

it.each([
  [
    'the user’s npm, proxies and authorities',
    { HOME: '/h', https_proxy: 'p', NO_PROXY: 'n', NODE_EXTRA_CA_CERTS: 'c' },
    true,
  ],
  [
    'npm’s network settings, however written',
    { npm_config_registry: 'r', NPM_CONFIG_STRICT_SSL: 'f', npm_config_https_proxy: 'p' },
    true,
  ],
  ['secrets', { MCPCTL_SECRET_A: 's', AWS_SECRET_ACCESS_KEY: 's', NODE_OPTIONS: 'o' }, false],
  [
    'what an outer npm run sets',
    { npm_package_name: 'n', npm_config_prefix: 'p', npm_config_user_agent: 'u', INIT_CWD: 'i' },
    false,
  ],
])('npm’s environment: %s', (_situation, given, passed) => {
  const { PATH, ...rest } = npmEnvironment({ PATH: '/bin', ...given });
  expect(PATH).toBe(`${dirname(process.execPath)}:/bin`);
  expect(rest).toEqual(passed ? given : {});
});

it('the lock is installed from as it is', async () => {
  const lock = await lockOf('plain');
  const result = await openPackageStore({ dir, env }).install(request('plain', { lock }));
  if ('problem' in result) throw new Error(result.problem.message);
  expect(readFileSync(join(result.root, '../../package-lock.json')).equals(lock)).toBe(true);
});
