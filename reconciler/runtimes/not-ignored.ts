import type { Difference } from './runtime.ts';

/** Which differences count for a server that has fields ignored; a pointer stands for all that is below it, too. */
export function notIgnored(differs: readonly Difference[], ignored: readonly string[]): Difference[] {
  return differs.filter(({ field }) => !ignored.some(pointer => field === pointer || field.startsWith(`${pointer}/`)));
}
