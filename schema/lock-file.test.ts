import { describe, expect, it } from 'vitest';
import { parseLock } from './lock-file.ts';

const sha512 = `sha512-${'A'.repeat(86)}==`;
const good = { version: '1.0.0', resolved: 'https://npm.example.org/a/-/a-1.0.0.tgz', integrity: sha512 };
const root = { name: 'server', dependencies: { a: '1.0.0' } };

function lock(packages: Record<string, unknown>, lockfileVersion: unknown = 3): string {
  return JSON.stringify({ name: 'x', lockfileVersion, requires: true, packages });
}

function complaints(text: string): string {
  const parsed = parseLock(text, 'locks/servers/x/package-lock.json', 'oid');
  if (!Array.isArray(parsed)) return 'fine';
  expect(parsed.every(({ code, at }) => code === 'LOCK_INVALID' && at?.line === 1)).toBe(true);
  return parsed.map(({ message }) => message).join('\n');
}

describe('parseLock', () => {
  it('keeps what its server is compared with', () => {
    const text = lock({
      '': root,
      'node_modules/a': good,
      'node_modules/a/node_modules/@s/b': { ...good, resolved: undefined },
    });
    expect(parseLock(text, 'f', 'oid')).toEqual({ oid: 'oid', dependencies: { a: '1.0.0' }, packages: 2 });
  });

  it.each<[string, Record<string, unknown>]>([
    [
      'a scoped package',
      { 'node_modules/@s/a': { ...good, resolved: 'https://r.example.org/npm/@s/a/-/a-1.0.0.tgz' } },
    ],
    ['an encoded scope', { 'node_modules/@s/a': { ...good, resolved: 'https://r.example.org/@s%2fa/-/a-1.0.0.tgz' } }],
    ['an alias under its own name', { 'node_modules/b': { ...good, name: 'a' } }],
    ['two digests', { 'node_modules/a': { ...good, integrity: `sha1-x ${sha512}` } }],
    [
      'a bundled package',
      { 'node_modules/a': good, 'node_modules/a/node_modules/b': { version: '2.0.0', inBundle: true } },
    ],
    ['fields that are not read', { 'node_modules/a': { ...good, engines: { node: '>=1' }, dev: true, bin: {} } }],
  ])('takes %s', (_what, packages) => {
    expect(complaints(lock({ '': root, 'node_modules/a': good, ...packages }))).toBe('fine');
    expect(complaints(lock({ '': root, 'node_modules/a': good, ...packages }, 2))).toBe('fine');
  });

  it.each<[string, unknown, string]>([
    ['no integrity', { ...good, integrity: undefined }, 'has no sha512 integrity'],
    ['a sha1 integrity', { ...good, integrity: 'sha1-AAAA' }, 'has no sha512 integrity'],
    ['a short sha512', { ...good, integrity: 'sha512-AAAA' }, 'has no sha512 integrity'],
    ['a bundle that nobody bundles', { version: '1.0.0', inBundle: true }, 'has no sha512 integrity'],
    ['a link', { resolved: '../elsewhere', link: true }, 'is a link'],
    ['a git address', { ...good, resolved: 'git+ssh://git@example.org/a.git#0' }, 'does not come from'],
    ['a git host’s tarball', { ...good, resolved: 'https://git.example.org/a/tar.gz/0' }, 'does not come from'],
    ['a file', { ...good, resolved: 'file:a.tgz' }, 'does not come from'],
    ['plain http', { ...good, resolved: good.resolved.replace('https', 'http') }, 'does not come from'],
    [
      'credentials in the address',
      { ...good, resolved: 'https://u:p@r.example.org/a/-/a-1.0.0.tgz' },
      'does not come from',
    ],
    [
      'another package’s tarball',
      { ...good, resolved: 'https://r.example.org/evil/-/evil-1.0.0.tgz' },
      'does not come from',
    ],
    ['no version', { ...good, version: undefined }, 'has no version'],
    ['a version that is a file', { ...good, version: 'file:a' }, 'has no version'],
    ['an entry that is no entry', 'a', 'is malformed'],
    ['an integrity that is a number', { ...good, integrity: 1 }, 'is malformed'],
  ])('refuses %s', (_what, entry, complaint) => {
    expect(complaints(lock({ '': root, 'node_modules/a': entry }))).toContain(`\`node_modules/a\` ${complaint}`);
  });

  it.each([
    'packages/a',
    '../a',
    'node_modules/../../a',
    'node_modules/..',
    'node_modules/.bin',
    'node_modules/a/b',
    'node_modules/a/../b',
    '/node_modules/a',
    'node_modules\\a',
    'a/node_modules/b',
  ])('refuses the place %s', key => {
    expect(complaints(lock({ '': root, [key]: good }))).toContain('is not a path of packages');
  });

  it.each<[string, unknown, string]>([
    ['a range', { dependencies: { a: '^1.0.0' } }, '`a` is not pinned'],
    ['a tag', { dependencies: { a: 'latest' } }, '`a` is not pinned'],
    ['an alias', { dependencies: { a: 'npm:b@1.0.0' } }, '`a` is not pinned'],
    ['a git dependency', { dependencies: { a: 'github:a/b' } }, '`a` is not pinned'],
    ['dev dependencies', { ...root, devDependencies: { b: '1.0.0' } }, '`devDependencies`'],
    ['workspaces', { ...root, workspaces: ['x'] }, 'workspaces'],
    ['nothing', undefined, 'root entry'],
  ])('refuses a root of %s', (_what, entry, complaint) => {
    expect(complaints(lock({ '': entry, 'node_modules/a': good }))).toContain(complaint);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['another package', { 'node_modules/a': { ...good, name: 'evil' } }, 'holds `evil@1.0.0` in place of `a@1.0.0`'],
    ['another version', { 'node_modules/a': { ...good, version: '6.6.6' } }, 'holds `a@6.6.6` in place'],
    ['nothing', {}, '`node_modules/a` is missing'],
  ])('refuses %s in place of what it is for', (_what, entries, complaint) => {
    expect(complaints(lock({ '': root, ...entries }))).toContain(complaint);
  });

  it.each([
    ['no JSON', '{', 'not JSON'],
    ['an empty file', '', 'not JSON'],
    ['an array', '[]', 'not a package-lock'],
    ['version 1', lock({ '': root }, 1), 'not a package-lock'],
    ['no packages', '{"lockfileVersion":3}', 'not a package-lock'],
  ])('refuses %s', (_what, text, complaint) => {
    expect(complaints(text)).toContain(complaint);
  });

  it('names no more than twenty entries', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`node_modules/a${n}`, {}]));
    expect(complaints(lock({ '': root, ...many })).split('\n')).toHaveLength(20);
  });
});
