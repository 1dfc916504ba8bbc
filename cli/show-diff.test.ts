import { describe, expect, it } from 'vitest';
import { diffFiles, type FileDiff } from '../repo/history/index.ts';
import { diffsText } from './show-diff.ts';

const RESET = '\u001b[0m';
const content = (text: string) => ({ bytes: Buffer.from(text), mode: '100644' as const });

function shown(before: string, after: string, colour: boolean): string[] {
  const files: FileDiff[] = diffFiles([{ path: 'prompts/a.md', before: content(before), after: content(after) }]);
  const io = { stdout: () => undefined, stderr: () => undefined, isTTY: colour, colour };
  return diffsText(io, files).split('\n').slice(3, -1);
}

/** Colours as marks that can be read: `‹strong›`, `«plain»`. */
function readable(line: string): string {
  return line
    .replaceAll(RESET, '}')
    .replaceAll(
      /\u001b\[([0-9;]+)m/g,
      (_all, codes: string) => `{${codes.includes(';') || Number(codes) >= 40 ? '!' : ''}`,
    );
}

describe('a difference on a terminal', () => {
  it.each<[situation: string, before: string, after: string, lines: string[]]>([
    [
      'one word',
      'Greet the customer.\n',
      'Greet the visitor.\n',
      ['{-}{Greet the }{!customer}{.}', '{+}{Greet the }{!visitor}{.}'],
    ],
    ['a word that comes', 'a b\n', 'a new b\n', ['{-}{a }{b}', '{+}{a }{!new }{b}']],
    ['a line that only goes', 'a\nb\n', 'a\n', [' a', '{-b}']],
  ])('%s', (_situation, before, after, lines) => {
    expect(shown(before, after, true).map(readable)).toEqual(lines);
  });

  it('has no way to steer it, whatever stands in the words', () => {
    const [removed = '', added = ''] = shown('a b\n', 'a \u001b]0;owned\u0007\u202eb\n', true);
    expect(removed).toContain('a');
    expect(added).toContain('\\u001b]0;owned\\u0007\\u202e');
    expect(added.replaceAll(/\u001b\[[0-9;]*m/g, '')).not.toMatch(/[\u001b\u0007\u202e]/);
  });

  it('elsewhere there are no marks', () => {
    expect(shown('a b\n', 'a c\n', false)).toEqual(['-a b', '+a c']);
  });
});
