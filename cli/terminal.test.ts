import { expect, it } from 'vitest';
import { tempRepository } from '../tests/temp-repository.ts';
import { createProgram } from './program.ts';
import { paint } from './style.ts';
import { guarded } from './terminal.ts';

const hostile = '\u001b]0;owned\u0007\u001b[2J\u009b2J\u202e';

it.each([
  ['a terminal', true, '\\u001b]0;owned\\u0007\\u001b[2J\\u009b2J\\u202e'],
  ['a file', false, hostile],
])('on %s', (_what, isTTY, expected) => {
  const out: string[] = [];
  const io = { stdout: (text: string) => void out.push(text), stderr: () => undefined, isTTY, colour: true };
  guarded(io).stdout(`${paint(io, 'red', hostile)}\n\ttext`);
  expect(out.join('')).toBe(`\u001b[31m${expected}\u001b[0m\n\ttext`);
});

it.each([
  ['get prompts -o yaml'],
  ['get prompts -o json'],
  ['get prompts'],
  ['describe prompt greet'],
  ['tree'],
  ['validate'],
  ['diff --from HEAD~1 --to HEAD'],
  ['get revisions prompt greet'],
])('mcpctl %s: nothing of a repository steers the terminal', async command => {
  const repository = tempRepository({
    'mcpctl.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n',
    'projects/demo/project.yaml': `apiVersion: mcpctl.dev/v1\nkind: Project\nmetadata:\n  description: "\\e[2J\\u202e"\nspec: {prompts: [greet]}\n`,
    'prompts/greet.md': '---\n---\nHello\n',
  });
  try {
    repository.commit({ 'prompts/greet.md': `---\ntitle: "\\e]0;owned\\a"\n---\n${hostile}\n` }, `Say ${hostile}`);
    const written: string[] = [];
    const write = (text: string) => void written.push(text);
    const { signal } = new AbortController();
    const io = { stdout: write, stderr: write, isTTY: true, colour: true };
    await createProgram({ io, env: process.env, cwd: repository.work, signal })(command.split(' '));
    const out = written.join('');
    expect(out).not.toBe('');
    expect(out.replace(/\u001b\[(?:[012]|3[1236]|4[12])m/g, '')).not.toMatch(
      /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/,
    );
  } finally {
    repository.remove();
  }
});
