/**
 * Text from a repository, made fit to be shown in one line of a terminal: control and direction-changing characters
 * are escaped, so that a file name or a key can neither move the cursor nor disguise itself.
 */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A name in backticks, printable and at most about `max` characters long. */
export function quoted(text: string, max = 64): string {
  const short = text.length > max ? `${text.slice(0, max)}…` : text;
  return `\`${printable(short)}\``;
}
