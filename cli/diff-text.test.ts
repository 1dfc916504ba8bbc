import { expect, it } from 'vitest';
import type { FileContent } from '../schema/index.ts';
import { diffText } from './diff-text.ts';

const io = { stdout: () => undefined, stderr: () => undefined, isTTY: false, colour: false };

function file(text: string | Uint8Array, mode: FileContent['mode'] = '100644'): FileContent {
  return { bytes: Buffer.from(text), mode };
}

it.each<[string, FileContent | undefined, FileContent | null, string]>([
  ['a line that changed', file('a\nb\nc\n'), file('a\nB\nc\n'), '--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n'],
  ['a new file', undefined, file('a\n'), '--- /dev/null\n+++ b/x\n@@ -0,0 +1,1 @@\n+a\n'],
  ['a file that goes', file('a'), null, '--- a/x\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n\\ No newline at end of file\n'],
  ['an empty new file', undefined, file(''), '--- /dev/null\n+++ b/x\n'],
  ['another mode', file('a'), file('a', '100755'), '--- a/x\n+++ b/x\nmode 100644 → 100755\n'],
  ['bytes', file('a'), file(new Uint8Array([0, 255])), 'binary files a/x and b/x differ\n'],
  ['line endings', file('a\n'), file('a\r\n'), '--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n-a\n+a\\u000d\n'],
  [
    'what would steer a terminal',
    file(''),
    file('\u001b[2J\u202e\n'),
    '--- a/x\n+++ b/x\n@@ -0,0 +1,1 @@\n+\\u001b[2J\\u202e\n',
  ],
])('shows %s', (_situation, before, after, expected) => {
  expect(diffText(io, [{ path: 'x', before, after }])).toBe(expected);
});
