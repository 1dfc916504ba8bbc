import { readFile, realpath, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { z } from 'zod';
import { type Problem, problem } from '../../schema/index.ts';

const Manifest = z.object({ bin: z.union([z.string(), z.record(z.string(), z.string())]).optional() });

/**
 * The file a package is run by: its only `bin`, or the one named like the package.
 * @param root the installed package's folder
 * @returns an absolute path inside the package
 */
export async function findEntry(root: string, identifier: string): Promise<string | { problem: Problem }> {
  const unfit = (reason: string) => ({ problem: problem('PACKAGE_INSTALL_FAILED', `${identifier} ${reason}`) });
  const manifest = Manifest.safeParse(await readJson(join(root, 'package.json')));
  if (!manifest.success) return unfit('has no package.json that npm could run');
  const { bin } = manifest.data;
  if (bin === undefined) return unfit('declares no program (`bin`)');
  const file = typeof bin === 'string' ? bin : chooseBin(bin, identifier);
  if (file === undefined) {
    return unfit(`declares several programs, none named like it: ${Object.keys(bin).sort().slice(0, 20).join(', ')}`);
  }
  const entry = resolve(root, file);
  try {
    const [realRoot, realEntry, stats] = await Promise.all([realpath(root), realpath(entry), stat(entry)]);
    if (stats.isFile() && realEntry.startsWith(realRoot + sep)) return entry;
  } catch {
    // Said below: it is not there.
  }
  return unfit('declares a program that is not a file inside the package');
}

function chooseBin(bin: Record<string, string>, identifier: string): string | undefined {
  const unscoped = identifier.slice(identifier.indexOf('/') + 1);
  if (Object.hasOwn(bin, unscoped)) return bin[unscoped];
  const files = Object.values(bin);
  return files.length === 1 ? files[0] : undefined;
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}
