import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { asProblem, type Problem, parseFile, problem } from '../../schema/index.ts';
import { runNpm } from './npm.ts';
import { rootManifest } from './store.ts';

const LockFile = z.object({ packages: z.record(z.string(), z.record(z.string(), z.unknown())) });

interface LockRequest {
  identifier: string;
  /** Exact. */
  version: string;
  /** Where npm's settings come from. */
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal;
}

/**
 * Resolve a package's dependencies as they are published now, without installing anything.
 * @returns the bytes of a package-lock.json that pins each by digest and names no download address; the same bytes for
 *   the same published packages
 */
export async function makeLock(request: LockRequest): Promise<Buffer | { problem: Problem }> {
  const { identifier, version, env, signal } = request;
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-lock-'));
  try {
    await writeFile(join(folder, 'package.json'), rootManifest(identifier, version));
    const args = ['install', '--package-lock-only', '--ignore-scripts=true', '--omit-lockfile-registry-resolved'];
    const what = `locking ${identifier}@${version}`;
    const failed = await runNpm([...args, '--lockfile-version=3', '--prefer-online'], {
      cwd: folder,
      env,
      what,
      signal,
    });
    if (failed) return { problem: failed };
    return checked(withoutAddresses(await readFile(join(folder, 'package-lock.json'), 'utf8')));
  } catch (error) {
    return { problem: problem('PACKAGE_INSTALL_FAILED', `locking ${identifier}: ${asProblem(error).message}`) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** npm before 8.12 does not know the flag; what has a digest is found by name and version on any registry. */
function withoutAddresses(text: string): string {
  const lock: unknown = JSON.parse(text);
  const { packages } = LockFile.parse(lock);
  for (const entry of Object.values(packages)) if (entry.integrity !== undefined) delete entry.resolved;
  return `${JSON.stringify({ ...Object(lock), packages }, null, 2)}\n`;
}

/** The rules that hold for a committed lock hold for a new one. */
function checked(text: string): Buffer | { problem: Problem } {
  const bytes = Buffer.from(text);
  const path = 'locks/servers/lock/package-lock.json';
  const [wrong] = parseFile({ path, oid: '', mode: '100644' }, bytes).problems;
  if (!wrong) return bytes;
  return { problem: problem('LOCK_INVALID', wrong.message, { hint: 'Choose another package or version.' }) };
}
