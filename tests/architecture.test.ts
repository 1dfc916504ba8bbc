import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { expect, it } from 'vitest';

/** What each room may import, besides itself. */
const rooms: Record<string, readonly string[]> = {
  schema: [],
  host: [],
  repo: ['schema', 'host'],
  reconciler: ['schema', 'host', 'repo'],
  gateway: ['schema', 'host', 'repo', 'reconciler'],
  cli: ['schema', 'host', 'repo', 'reconciler', 'gateway'],
};

/** Folders inside a room that have a door of their own. */
const subRooms = [
  'cli/sync',
  'reconciler/instances',
  'reconciler/mcp',
  'reconciler/notifications',
  'reconciler/packages',
  'reconciler/review',
  'reconciler/runtimes',
  'reconciler/secrets',
  'reconciler/state',
  'reconciler/telemetry',
  'repo/forges',
  'repo/history',
  'repo/reader',
  'repo/ssh',
  'repo/trust',
];

/** Where each library may be used. Libraries of no room (zod parses foreign data everywhere) are not listed. */
const libraries: Record<string, readonly string[]> = {
  yaml: ['schema'],
  semver: ['schema'],
  fastify: ['gateway'],
  undici: ['host'],
  commander: ['cli'],
  diff: ['repo/history'],
  '@octokit/request': ['repo/forges/github'],
  dockerode: ['reconciler/runtimes'],
  '@kubernetes/client-node': ['reconciler/runtimes'],
  'jsonc-parser': ['cli/clients', 'cli/sync'],
  'smol-toml': ['cli/clients'],
  '@modelcontextprotocol/client': ['reconciler/mcp', 'cli/commands/connect', 'cli/commands/test-mcp'],
  '@modelcontextprotocol/server': ['gateway'],
};

/** What may be entered besides a room's `index.ts`: the part that is costly to load, where it is needed. */
const sideDoors = ['schema/parser.ts'];

const root = join(import.meta.dirname, '..');

interface Import {
  file: string;
  specifier: string;
}

function isTest(file: string): boolean {
  return file.endsWith('.test.ts') || file.startsWith('tests/');
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const pattern =
    /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]|(?:^|\n)import\s+['"]([^'"]+)['"]/g;
  return [...text.matchAll(pattern)].map(match => ({ file, specifier: match[1] ?? match[2] ?? match[3] ?? '' }));
}

const files = Object.keys(rooms).flatMap(room => globSync(`${room}/**/*.{ts,mjs}`, { cwd: root }));
const imports = files.filter(file => !isTest(file)).flatMap(importsOf);
const relatives = imports
  .filter(({ specifier }) => specifier.startsWith('.'))
  .map(({ file, specifier }) => ({ file, target: relative(root, normalize(join(root, dirname(file), specifier))) }));

it('reads imports at all', () => {
  expect(relatives.length).toBeGreaterThan(100);
  expect(imports.some(({ specifier }) => specifier === 'fastify')).toBe(true);
});

it('every room imports only the rooms below it', () => {
  const wrong = relatives.filter(({ file, target }) => {
    const from = roomOf(file);
    const to = roomOf(target);
    return target !== 'package.json' && from !== to && !(rooms[from] ?? []).includes(to);
  });
  expect(wrong).toEqual([]);
});

it('a room, and a sub-room, is entered through its index.ts', () => {
  const wrong = relatives.filter(({ file, target }) => {
    if (target === 'package.json') return false;
    const entered = [roomOf(target), ...subRooms].filter(
      room => target.startsWith(`${room}/`) && !file.startsWith(`${room}/`),
    );
    const door = entered.at(-1);
    return door !== undefined && door !== 'cli' && ![`${door}/index.ts`, ...sideDoors].includes(target);
  });
  expect(wrong).toEqual([]);
});

it('no door is imported dynamically: every command would load the whole room', () => {
  const doors = imports.filter(({ file, specifier }) =>
    new RegExp(`import\\(['"]${specifier.replaceAll('.', '\\.')}['"]\\)`).test(readFileSync(join(root, file), 'utf8')),
  );
  // Of the machine's room every part stands alone.
  const roomDoors = Object.keys(rooms)
    .filter(room => room !== 'host')
    .map(room => `${room}/index.ts`);
  const wrong = doors.filter(({ file, specifier }) =>
    roomDoors.includes(relative(root, normalize(join(root, dirname(file), specifier)))),
  );
  expect(wrong.map(({ file }) => file)).toEqual([]);
});

it('each library has one home', () => {
  const wrong = imports.filter(({ file, specifier }) => {
    const home = Object.entries(libraries).find(
      ([name]) => specifier === name || specifier.startsWith(`${name}/`),
    )?.[1];
    return home !== undefined && !home.some(room => file.startsWith(`${room}/`));
  });
  expect(wrong).toEqual([]);
});

it('only the entry of the command line touches the process', () => {
  // Reading the interpreter's own path, platform and pid is no effect; streams, exit, signals and environment are.
  const pattern = /\bprocess\.(?:exit|on|once|stdout|stderr|stdin|env|argv|chdir)\b/;
  // The reader and the hook before a session are programs of their own; the process table asks `ps` where there is no /proc; children are ended when
  // the process exits, however it does.
  const allowed =
    /^(?:cli\/(?:main|generate|captures|sync\/hook\/main)\.ts|cli\/mcpctl\.mjs|repo\/reader\/.*|repo\/ssh\/connect-main\.ts|schema\/generate\.ts|host\/process(?:-table)?\.ts)$/;
  const wrong = files.filter(
    file => !isTest(file) && !allowed.test(file) && pattern.test(readFileSync(join(root, file), 'utf8')),
  );
  expect(wrong).toEqual([]);
});

it('no file is a dumping ground', () => {
  expect(files.filter(file => /(?:^|\/)(?:utils?|helpers?|common|shared|misc)(?:\/|\.|-)/.test(file))).toEqual([]);
});

function roomOf(path: string): string {
  return path.split('/')[0] ?? '';
}
