import { structuredPatch } from 'diff';
import type { Io } from './context.ts';
import { paint } from './style.ts';
import type { FileChange } from './write-files.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Changes of files as a unified diff, as git shows them. What could steer a terminal is shown as `\u…`. */
export function diffText(io: Io, changes: readonly FileChange[]): string {
  return changes.map(change => diffOne(io, change)).join('');
}

function diffOne(io: Io, { path, before, after }: FileChange): string {
  const from = before ? `a/${path}` : '/dev/null';
  const to = after ? `b/${path}` : '/dev/null';
  const mode = before && after && before.mode !== after.mode ? [`mode ${before.mode} → ${after.mode}`] : [];
  const old = textOf(before?.bytes);
  const now = textOf(after?.bytes);
  if (old === undefined || now === undefined) return lines(io, [...mode, `binary files ${from} and ${to} differ`]);
  if (old === now && before && after) return lines(io, [`--- ${from}`, `+++ ${to}`, ...mode]);
  const { hunks } = structuredPatch(from, to, old, now, undefined, undefined, { context: 3 });
  const body = hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines: changed }) => [
    `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`,
    ...changed,
  ]);
  return lines(io, [`--- ${from}`, `+++ ${to}`, ...mode, ...body]);
}

/** Where nothing stands, the line before it is named. */
function range(start: number, count: number): string {
  return `${count === 0 ? start - 1 : start},${count}`;
}

function lines(io: Io, all: readonly string[]): string {
  return all.map(line => `${coloured(io, visible(line))}\n`).join('');
}

function coloured(io: Io, line: string): string {
  if (line.startsWith('+++') || line.startsWith('---')) return paint(io, 'bold', line);
  if (line.startsWith('@@')) return paint(io, 'cyan', line);
  if (line.startsWith('+')) return paint(io, 'green', line);
  return line.startsWith('-') ? paint(io, 'red', line) : line;
}

function visible(line: string): string {
  return line.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  if (!bytes) return '';
  try {
    const text = utf8.decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}
