import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const text = readFileSync(join(root, 'docs', 'reliability.md'), 'utf8');
const named = [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

/** What a program says about itself when it is asked, or asked wrongly. */
function said(script: string, ...args: string[]): string {
  const [program = '', ...given] = (scripts[script] ?? '').split(' ');
  const command = program === 'node' ? process.execPath : program;
  const { stdout, stderr } = spawnSync(command, [...given, ...args], { cwd: root, encoding: 'utf8' });
  return stdout + stderr;
}

const files = [...new Set(named.filter(code => /^[\w./-]+\/[\w.-]+\.(?:ts|yaml)$/.test(code)))];
const runs = [...new Set(named.filter(code => code.startsWith('npm ')))];
const commands = [...new Set(named.filter(code => code.startsWith('mcpctl ')))];

it('names files, and things to run', () => {
  expect(files.length).toBeGreaterThan(30);
  expect(runs.length).toBeGreaterThan(4);
  expect(commands.length).toBeGreaterThan(4);
});

it('names only files that there are', () => {
  expect(files.filter(file => !existsSync(join(root, file)))).toEqual([]);
});

it('says of every promise what shows it', () => {
  const tables = text.split('\n\n').filter(part => part.startsWith('| promise | shown by |'));
  const rows = tables.flatMap(table => table.trim().split('\n').slice(2));
  expect(rows.length).toBeGreaterThan(30);
  expect(rows.filter(row => !/\| [^|]*`(?:npm run )?[\w/.-]+[^|]*` ?\|$/.test(row))).toEqual([]);
});

it.each(runs)(
  '%s is there to be run',
  run => {
    const [, word, script = '', , ...args] = run.split(' ');
    if (word === 'test') return;
    expect(Object.keys(scripts)).toContain(script);
    for (const argument of args) {
      if (/^[A-Z]$|^\d+$/.test(argument)) continue;
      expect(usageOf(script)).toMatch(new RegExp(`(?<![\\w-])${argument}(?![\\w-])`));
    }
  },
  240_000,
);

function usageOf(script: string): string {
  if (script === 'bench') return said(script, '--help');
  return script === 'test:faults' ? said(script, 'nothing-of-that-name') : said(script, '--runs', 'none');
}

it.each(commands)('%s is a command, with these options', command => {
  const [, name = '', ...words] = command.split(' ');
  const page = join(root, 'docs', 'cli', `${name}.md`);
  expect(readdirSync(join(root, 'docs', 'cli'))).toContain(`${name}.md`);
  const help = readFileSync(page, 'utf8');
  for (const option of words.filter(word => word.startsWith('--'))) expect(help).toContain(option);
});
