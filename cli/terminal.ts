import { visibleText } from '../schema/index.ts';
import type { Io } from './context.ts';

/** What `paint` makes, and nothing else. */
const OURS = /(\u001b\[(?:[012]|3[1236]|4[12])m)/;

/**
 * Streams on which nothing but our own colours reaches a terminal: what a repository, a server or a daemon says cannot
 * move its cursor, set its title or hide in it. What goes to a file or a program stays as it is.
 */
export function guarded(io: Io): Io {
  return {
    ...io,
    stdout: io.isTTY ? text => io.stdout(forTerminal(text)) : io.stdout,
    stderr: text => io.stderr(forTerminal(text)),
  };
}

function forTerminal(text: string): string {
  const parts = text.split(OURS);
  return parts.map((part, index) => (index % 2 === 1 ? part : visibleText(part))).join('');
}
