/** Characters that nobody sees, that change the direction of what follows, or that steer a terminal. */
const CONTROL = '\\u0000-\\u001f\\u007f-\\u009f';
const INVISIBLE =
  '\\u00ad\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200d\\u2028\\u2029\\u2060-\\u2065\\u206a-\\u206f' +
  '\\u3164\\ufeff\\uffa0\\ufff0-\\ufffb\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}';
const DIRECTION = '\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069';

const unseen = new RegExp(`[${CONTROL}${INVISIBLE}${DIRECTION}]`, 'gu');
const unseenInText = new RegExp(`(?![\\n\\t])[${CONTROL}${INVISIBLE}${DIRECTION}]`, 'gu');
const direction = new RegExp(`[${DIRECTION}]`, 'u');

/** Joiners are letters' and emoji's own business in these surroundings. */
const joinable =
  /(?:\ufe0f|[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Script=Arabic}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gujarati}\p{Script=Gurmukhi}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}\p{Script=Mongolian}])$/u;

/** Most text has nothing else, which is told in a fraction of the time. */
const PLAIN_LINE = /^[ -~]*$/;
const PLAIN_TEXT = /^[\n\t -~]*$/;

/** Text of one line, in which whatever cannot be seen is written out: `\u202e`. */
export function visibleLine(text: string): string {
  if (PLAIN_LINE.test(text)) return text;
  return text.replace(unseen, (character, at: number) =>
    isJoiner(character, text, at) ? character : escaped(character),
  );
}

/** Text of several lines, the same; line ends and tabs stay. */
export function visibleText(text: string): string {
  if (PLAIN_TEXT.test(text)) return text;
  return text.replace(unseenInText, (character, at: number) =>
    isJoiner(character, text, at) ? character : escaped(character),
  );
}

/** What is hidden in a line: nothing, invisible characters, or some that turn the direction of writing. */
export function hiddenIn(line: string): 'nothing' | 'invisible' | 'direction' {
  if (PLAIN_TEXT.test(line)) return 'nothing';
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  let found: 'nothing' | 'invisible' = 'nothing';
  for (const match of text.matchAll(unseenInText)) {
    if (isJoiner(match[0], text, match.index)) continue;
    if (direction.test(match[0])) return 'direction';
    found = 'invisible';
  }
  return found;
}

function isJoiner(character: string, text: string, at: number): boolean {
  if (character !== '\u200d' && character !== '\u200c') return false;
  return joinable.test(text.slice(Math.max(0, at - 2), at));
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
