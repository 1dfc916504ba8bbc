import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import {
  asProblem,
  formatPosition,
  limitProblems,
  type Problem,
  problem,
  problemCodes,
  sortProblems,
} from './problem.ts';
import { problemPage } from './problem-page.ts';

const page = readFileSync(new URL('../docs/problems.md', import.meta.url), 'utf8');

describe('docs/problems.md', () => {
  it('is what `npm run generate` writes', () => {
    expect(page).toBe(problemPage());
  });

  it('names exactly the codes of the table', () => {
    const documented = [...page.matchAll(/^## (.+)$/gm)].map(([, code]) => code);
    expect(documented.sort()).toEqual(Object.keys(problemCodes()).sort());
  });
});

describe('sortProblems', () => {
  const at = (file: string, line: number, column: number): Problem =>
    problem('YAML_SYNTAX', 'x', { at: { file, line, column } });

  it('orders by file, line and column, and shows each once', () => {
    const [first, second, third, fourth] = [at('a', 2, 9), at('a', 10, 1), at('a', 10, 2), at('b', 1, 1)];
    expect(sortProblems([fourth, third, first, second, { ...third }])).toEqual([first, second, third, fourth]);
  });

  it('keeps the same words about two resources', () => {
    const one = problem('LOCK_UNUSED', 'x', { resource: 'lock/a' });
    const other = problem('LOCK_UNUSED', 'x', { resource: 'lock/b' });
    expect(sortProblems([one, other, one])).toHaveLength(2);
  });
});

it('leaves out what is too much, and says how much', () => {
  const many = Array.from({ length: 12 }, (_, line) => problem('YAML_SYNTAX', 'x', { at: { file: 'a', line } }));
  expect(limitProblems(many, 12)).toEqual(many);
  expect(limitProblems(many, 10)).toEqual([
    ...many.slice(0, 10),
    expect.objectContaining({ code: 'PROBLEMS_OMITTED', message: '2 more problems are not shown' }),
  ]);
});

const here = import.meta.filename;

it.each<[string, () => unknown, string, RegExp]>([
  [
    'a file where a folder is needed',
    () => mkdirSync(`${here}/below`),
    'SYSTEM_REFUSED',
    /problem\.test\.ts.*a file stands/,
  ],
  [
    'a folder that is a file',
    () => readdirSync(here),
    'SYSTEM_REFUSED',
    /a file stands where a folder is needed \(ENOTDIR\)/,
  ],
  [
    'a file that is a folder',
    () => readFileSync(tmpdir()),
    'SYSTEM_REFUSED',
    /^a folder stands where a file is needed/,
  ],
  ['a full disk', () => writeFileSync('/dev/full', 'x'), 'SYSTEM_REFUSED', /the disk is full \(ENOSPC\)/],
  ['a name that is too long', () => readFileSync(`/${'x'.repeat(300)}`), 'SYSTEM_REFUSED', /the name is too long/],
  ['what is not there', () => readFileSync(`${here}.not`), 'INTERNAL', /ENOENT/],
  ['a defect', () => JSON.parse('{'), 'INTERNAL', /JSON/],
])('tells %s', (_name, act, code, message) => {
  let thrown: unknown;
  try {
    act();
  } catch (error) {
    thrown = error;
  }
  expect(asProblem(thrown)).toMatchObject({ code, message: expect.stringMatching(message) });
});

it('formats a position without letting a file name move the cursor', () => {
  expect(formatPosition({ file: 'a\u001b[2J\nb', line: 3, column: 7 })).toBe('a\\u001b[2J\\u000ab:3:7');
  expect(formatPosition(undefined)).toBe('');
});
