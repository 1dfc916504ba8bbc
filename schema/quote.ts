import { visibleLine } from './hidden-text.ts';

/**
 * Text from a repository, made fit to be shown in one line of a terminal: control and direction-changing characters
 * are escaped, so that a file name or a key can neither move the cursor nor disguise itself.
 */
export function printable(text: string): string {
  return visibleLine(text);
}

/** A name in backticks, printable and at most about `max` characters long. */
export function quoted(text: string, max = 64): string {
  const short = text.length > max ? `${text.slice(0, max)}…` : text;
  return `\`${printable(short)}\``;
}
