import { expect, it } from 'vitest';
import { describeChange, unrunScripts } from './change.ts';

function lock(...packages: string[]): Buffer {
  const entries = packages.map(each => {
    const [name, version, script] = each.split('@');
    return [`node_modules/${name}`, { version, ...(script && { hasInstallScript: true }) }];
  });
  return Buffer.from(JSON.stringify({ packages: { '': { name: 'root' }, ...Object.fromEntries(entries) } }));
}

it.each([
  ['the first', undefined, lock('a@1'), 'new lock, 1 package'],
  ['the same', lock('a@1'), lock('a@1'), 'up to date, 1 package'],
  ['others', lock('a@1', 'b@1', 'c@1'), lock('a@1', 'b@2', 'd@1', 'e@1'), '2 added, 1 removed, 1 changed; 4 packages'],
  ['one that could not be read', Buffer.from('{'), lock('a@1'), '1 added, 0 removed, 0 changed; 1 package'],
])('describes the change: %s', (_situation, before, after, expected) => {
  expect(describeChange(before, after)).toBe(expected);
});

it.each([
  ['no scripts', lock('a@1'), ''],
  [
    'scripts',
    lock('b@1@script', 'x/node_modules/a@1@script', 'c@1'),
    '; install scripts of a, b will not run (`installScripts: false`)',
  ],
])('remarks on %s', (_situation, after, expected) => {
  expect(unrunScripts(after)).toBe(expected);
});
