import { formatPosition, type Problem } from '../schema/index.ts';
import type { Io } from './context.ts';

const colours = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2, bold: 1, redBlock: 41, greenBlock: 42 } as const;

/** Text in a colour, where colours may be used. */
export function paint(io: Io, colour: keyof typeof colours, text: string): string {
  return io.colour ? `\u001b[${colours[colour]}m${text}\u001b[0m` : text;
}

/** A problem as people read it: what, where, and the next step. */
export function showProblem(io: Io, { code, severity, message, hint, at }: Problem): string {
  const sign = severity === 'error' ? paint(io, 'red', '✗') : paint(io, 'yellow', '!');
  const where = formatPosition(at);
  const place = where === '' ? '' : `${paint(io, 'bold', where)}: `;
  return `${sign} ${place}${message} ${paint(io, 'dim', `[${code}]`)}\n  → ${hint}\n`;
}

/** A step of progress, for stderr. */
export function step(io: Io, text: string): void {
  if (!io.quiet) io.stderr(`${paint(io, 'cyan', '►')} ${text}\n`);
}

/** Say what is being done once it takes more than a second. */
export async function whileSlow<T>(io: Io, text: string, work: Promise<T>): Promise<T> {
  const late = setTimeout(() => step(io, text), 1_000);
  return work.finally(() => clearTimeout(late));
}

/** Something done, for stderr. */
export function done(io: Io, text: string): void {
  if (!io.quiet) io.stderr(`${paint(io, 'green', '✔')} ${text}\n`);
}

/** The commit as people read it. */
export function shortCommit(commit: string | undefined): string {
  return commit === undefined || commit === '' ? '-' : commit.slice(0, 7);
}
