import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** To be raised when what is kept of a parsed file changes its form. */
const FORM = 2;
/** Characters from which on a digest stands for them; what makes it takes long to load. */
const LONG = 1024;

let known: string | undefined;

/**
 * Says which code parses: it changes whenever parsing could, in a checkout with every edit of the schema, in a bundle
 * with every installation. Made from the code's files as the disk has them (name, size, times), none is read.
 */
export function parserFingerprint(): string {
  known ??= fingerprintOf(codeFiles(import.meta.filename));
  return known;
}

/** @param files absolute paths */
export function fingerprintOf(files: readonly string[]): string {
  const looks = files.map(file => {
    const { size, mtimeNs, ctimeNs, ino } = statSync(file, { bigint: true });
    return [file, size, mtimeNs, ctimeNs, ino].join(' ');
  });
  const all = looks.map(encodeURIComponent).join(',');
  return `${FORM}-${process.version}-${all.length < LONG ? all : createHash('sha256').update(all).digest('hex')}`;
}

/**
 * In a bundle this file, which has a digest of all others in its name, and their folder; in a checkout the schema's and
 * this room's files, and package.json for the libraries' versions.
 */
function codeFiles(self: string): string[] {
  const here = dirname(self);
  if (!self.endsWith('.ts')) return [self, here];
  const schema = join(here, '..', 'schema');
  const inside = readdirSync(schema, { withFileTypes: true }).filter(entry => entry.isDirectory());
  const folders = [schema, ...inside.map(({ name }) => join(schema, name)), here];
  return [...folders.flatMap(folder => filesIn(folder, '.ts')), join(here, '..', 'package.json')];
}

function filesIn(folder: string, extension: string): string[] {
  return readdirSync(folder)
    .filter(name => name.endsWith(extension) && !name.endsWith('.test.ts'))
    .sort()
    .map(name => join(folder, name));
}
