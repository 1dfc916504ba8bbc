import { expect, it } from 'vitest';
import { expand, expandEnvironment } from './expand.ts';

const variables = { HOME: '/home/x', EMPTY: '', NESTED: '$(HOME)', 'odd name': 'odd' };

it.each([
  ['a reference', '$(HOME)/memory', '/home/x/memory'],
  ['several', '$(HOME):$(HOME)', '/home/x:/home/x'],
  ['an empty value', '[$(EMPTY)]', '[]'],
  ['a value is not expanded again', '$(NESTED)', '$(HOME)'],
  ['an unknown name stays', '$(NOPE)', '$(NOPE)'],
  ['a name every object has stays', '$(constructor)', '$(constructor)'],
  ['an escaped reference', '$$(HOME)', '$(HOME)'],
  ['an escaped escape, then a reference', '$$$(HOME)', '$/home/x'],
  ['two escapes', '$$$$(HOME)', '$$(HOME)'],
  ['shell notation is not ours', `$HOME \${HOME}`, `$HOME \${HOME}`],
  ['an unclosed parenthesis', '$(HOME', '$(HOME'],
  ['a lone dollar at the end', 'cost: 5$', 'cost: 5$'],
  ['any name', '$(odd name)', 'odd'],
])('%s', (_situation, text, expected) => {
  expect(expand(text, variables)).toBe(expected);
});

it('expands variables in order, secrets never', () => {
  const declared = {
    LATE: '$(LATER)',
    LATER: '$(HOME)/later',
    PASSWORD: 'a$$(HOME)b',
    URL: 'x:$(PASSWORD)@$(LATER)',
  };
  expect(expandEnvironment(declared, { base: { HOME: '/h' }, literal: ['a$$(HOME)b'] })).toEqual({
    LATE: '$(LATER)',
    LATER: '/h/later',
    PASSWORD: 'a$$(HOME)b',
    URL: 'x:a$$(HOME)b@/h/later',
  });
});
