import type { Located } from './issues.ts';

/** Data that stands in no file yet: everything in it is at the file's beginning, if there is one. */
export function plainLocated(value: unknown, file: string): Located {
  return {
    source: { file, position: () => ({ file, line: 1, column: 1 }) },
    document: { value, offset: () => 0 },
  };
}
