import { diffFiles } from '../repo/history/index.ts';
import type { Io } from './context.ts';
import { diffsText } from './show-diff.ts';
import type { FileChange } from './write-files.ts';

/** Changes of files as a unified diff. What could steer a terminal is shown as `\u…`. */
export function diffText(io: Io, changes: readonly FileChange[]): string {
  const pairs = changes.map(({ path, before, after }) => ({ path, before, after: after ?? undefined }));
  return diffsText(io, diffFiles(pairs));
}
