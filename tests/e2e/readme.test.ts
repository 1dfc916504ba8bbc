import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const documents = ['README.md', 'example-repo/README.md', 'docs/architecture.md', 'docs/non-promises.md'];

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const commands = [...readme.matchAll(/```console\n([\s\S]*?)```/g)]
  .flatMap(([, block = '']) => block.split('\n'))
  .filter(line => line.startsWith('$ npx mcpctl '))
  .map(line => line.slice('$ npx mcpctl '.length));

it('has commands to run', () => {
  expect(commands.length).toBeGreaterThan(2);
});

it.each(commands)(
  'mcpctl %s: does what the README says, exit 0',
  command => {
    execFileSync(process.execPath, [join(root, 'cli', 'mcpctl.mjs'), ...command.split(' ')], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  },
  120_000,
);

it.each(documents)('%s links to files that exist', document => {
  const text = readFileSync(join(root, document), 'utf8');
  const links = [...text.matchAll(/\]\(([^)#]+)\)/g)].map(([, link = '']) => link).filter(link => !link.includes(':'));
  expect(links.filter(link => !existsSync(join(root, dirname(document), link)))).toEqual([]);
});

it.each(['README.md', 'docs/architecture.md'])('%s names npm scripts that exist', document => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const text = readFileSync(join(root, document), 'utf8');
  const named = [...text.matchAll(/npm run ([a-z:]+)/g)].map(([, name = '']) => name);
  expect(named.filter(name => !(name in scripts))).toEqual([]);
});

it('docs/architecture.md names files and functions that are there', () => {
  const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8').replace(/```[\s\S]*?```/g, '');
  const code = [...text.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
  const paths = code.filter(span =>
    /^(?:schema|host|repo|reconciler|gateway|cli|hooks|tests|docs)\/[\w./-]*$/.test(span),
  );
  expect(paths.length).toBeGreaterThan(10);
  expect(paths.filter(path => !existsSync(join(root, path)))).toEqual([]);

  const source = globSync('{schema,host,repo,reconciler,gateway,cli}/**/*.ts', { cwd: root })
    .map(file => readFileSync(join(root, file), 'utf8'))
    .join('\n');
  const names = code.flatMap(span => /^(?:[A-Z]\w+\.)?([a-z]+[A-Z]\w*)(?:\(.*)?$/.exec(span)?.[1] ?? []);
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter(name => !new RegExp(`\\b${name}\\b`).test(source))).toEqual([]);
});
