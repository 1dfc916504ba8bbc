import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { condition } from '../e2e/daemon.ts';
import { faultScene } from './scene.ts';

const damages: [situation: string, damage: (file: string) => void, words: RegExp][] = [
  [
    'written by a newer version',
    file => {
      const database = new DatabaseSync(file);
      database.exec('PRAGMA user_version = 9999');
      database.close();
    },
    /newer version/,
  ],
  [
    'cut off in the middle',
    file => truncateSync(file, Math.floor(statSync(file).size / 2)),
    /malformed|not a database/,
  ],
  ['cut off within its first page', file => truncateSync(file, 50), /not a database|malformed/],
  [
    'overwritten at its beginning',
    file => writeFileSync(file, Buffer.concat([Buffer.alloc(4096, 'x'), readFileSync(file).subarray(4096)])),
    /not a database/,
  ],
  [
    'overwritten in its middle',
    file => {
      const bytes = readFileSync(file);
      for (let at = 4096; at < bytes.length; at += 4096) bytes.fill(0xff, at, at + 200);
      writeFileSync(file, bytes);
    },
    /malformed/,
  ],
];

it.each(damages)('a state that was %s: refuses to start, and leaves it as it is', async (_situation, damage, words) => {
  const scene = faultScene(1);
  try {
    const first = await scene.up();
    await first.until('Ready', status => condition(status, 'Ready') === 'True');
    expect(await first.stop()).toBe(0);
    const file = join(scene.stateDir, 'state.sqlite');
    damage(file);
    const before = readFileSync(file);
    const found = readdirSync(scene.stateDir).sort();

    const failure = await scene.up().then(
      () => 'it started',
      (error: Error) => error.message,
    );
    expect(failure).toMatch(/ended with 1/);
    expect(failure).toContain('STATE_UNUSABLE');
    expect(failure).toMatch(words);
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(readdirSync(scene.stateDir).filter(name => !/-(?:wal|shm)$/.test(name))).toEqual(
      found.filter(name => !/-(?:wal|shm)$/.test(name)),
    );
    expect(scene.machine.running()).toEqual([]);
  } finally {
    await scene.remove();
  }
});
