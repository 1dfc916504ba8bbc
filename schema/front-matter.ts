import { type Problem, problem } from './problem.ts';
import type { Source } from './source.ts';

/** Offsets into the file's text: the YAML between the delimiters, and where the body begins. */
export interface FrontMatter {
  start: number;
  end: number;
  body: number;
}

/**
 * Find a Markdown file's front matter: its first line and a later one are exactly `---` (either may end in CRLF).
 * A byte order mark before the first line is tolerated, since editors hide it; decoding has removed it.
 */
export function findFrontMatter({ text, position }: Source): FrontMatter | Problem {
  const opening = /^---\r?\n/.exec(text);
  if (!opening) {
    const message = 'the file does not begin with a line of exactly `---`';
    return problem('FRONT_MATTER_MISSING', message, { at: position(0) });
  }
  const start = opening[0].length;
  for (let line = start; line < text.length; ) {
    const newline = text.indexOf('\n', line);
    const next = newline === -1 ? text.length : newline + 1;
    if (text.startsWith('---', line) && /^---\r?\n?$/.test(text.slice(line, Math.min(next, line + 6)))) {
      return { start, end: line, body: next };
    }
    line = next;
  }
  return problem('FRONT_MATTER_MISSING', 'no line of exactly `---` closes the front matter', { at: position(0) });
}
