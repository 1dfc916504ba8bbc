import type { Exit } from './runtime.ts';

/** How an instance ended, behind its name: `exited with code 3; its last line: cannot find my config`. */
export function howItEnded({ code, signal, lastLine, reason }: Exit): string {
  const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
  const words = lastLine === '' ? 'it wrote nothing to stderr' : `its last line: ${lastLine}`;
  return `${how}${reason === undefined ? '' : ` (${reason})`}; ${words}`;
}
