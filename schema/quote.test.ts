import { expect, it } from 'vitest';
import { printable, quoted } from './quote.ts';

it.each([
  ['plain text, accents and emoji', 'caf\u00e9 \u{1f600} ~', 'caf\u00e9 \u{1f600} ~'],
  ['an escape sequence', '\u001b[2J', '\\u001b[2J'],
  ['line ends', 'a\r\nb\u2028c\u0085', 'a\\u000d\\u000ab\\u2028c\\u0085'],
  ['delete and C1 controls', '\u007f\u009b', '\\u007f\\u009b'],
  ['changes of direction', '\u202ea\u2066', '\\u202ea\\u2066'],
])('printable: %s', (_what, text, shown) => {
  expect(printable(text)).toBe(shown);
});

it('quotes long names short', () => {
  expect(quoted('abc')).toBe('`abc`');
  expect(quoted('abcdef', 3)).toBe('`abc…`');
});
