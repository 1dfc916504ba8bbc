import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomic } from '../host/index.ts';
import { git } from './git.ts';
import { packBytes } from './growth.ts';
import type { MirrorFolder } from './mirror-folder.ts';

/** Each fetch leaves a pack; reading gets slower with their number. */
const MAX_PACKS = 50;
/** Beyond this, what no longer leads to the followed commit is dropped. */
const MAX_BYTES = 4 * 1024 ** 3;
const TIMEOUT_MS = 120_000;

/**
 * Join a mirror's packs when there are many. Objects of earlier commits stay, because a resource that is held at its
 * last good revision may still need them, until the mirror is very large. Never fails: an untidy mirror works too.
 */
export async function tidyMirror(folder: MirrorFolder, limits = { packs: MAX_PACKS, bytes: MAX_BYTES }): Promise<void> {
  const { dir, env } = folder;
  const packs = join(dir, 'objects', 'pack');
  const names = await readdir(packs).catch(() => []);
  if (names.filter(name => name.endsWith('.pack')).length <= limits.packs) return;
  const tooLarge = (await packBytes(packs)) > limits.bytes;
  const args = ['repack', '-a', '-d', '-q', ...(tooLarge ? [] : ['--keep-unreachable'])];
  await git(args, { env, gitDir: dir, timeoutMs: TIMEOUT_MS });
  await forgetBoundaries(folder);
}

/** Each fetch also leaves where its history was cut off, and git tells the remote all of these every time. */
export async function forgetBoundaries({ dir, env, held }: MirrorFolder): Promise<void> {
  const file = join(dir, 'shallow');
  const text = await readFile(file, 'utf8').catch(() => '');
  const listed = await git(['rev-list', held, '--glob=refs/mcpctl/*'], { env, gitDir: dir, timeoutMs: TIMEOUT_MS });
  if (text === '' || listed.code !== 0) return;
  const reachable = new Set(listed.stdout.toString().split('\n'));
  const kept = text.split('\n').filter(line => line !== '' && reachable.has(line));
  // git takes an empty file for a history that is cut.
  if (kept.length === 0) await rm(file, { force: true });
  else await writeAtomic(file, kept.map(line => `${line}\n`).join(''));
}
