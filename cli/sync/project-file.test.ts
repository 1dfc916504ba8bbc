import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PROJECT_FILE, readProjectFile } from './project-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-project-'));
  writeFileSync(join(folder, PROJECT_FILE), 'demo\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

const [ann, bob, system] = [4001, 4002, 0];

// Only the system's own user may give files away.
it.skipIf(process.getuid?.() !== 0).each([
  ['one’s own', ann, ann, 'demo'],
  ['the system’s', ann, system, 'demo'],
  ['anybody’s, read by the system’s own user', system, bob, 'demo'],
  ['another user’s', ann, bob, 'it belongs to another user'],
])('a project file that is %s', (_whose, reader, owner, outcome) => {
  chownSync(join(folder, PROJECT_FILE), owner, owner);
  const read = () => readProjectFile(folder, reader);
  if (outcome === 'demo') expect(read()).toBe(outcome);
  else expect(read).toThrow(outcome);
});
