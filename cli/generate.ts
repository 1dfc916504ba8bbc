/** Writes `docs/cli/`, the reference of the command line: `npm run generate`. With `--check`, only says what is stale. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { referencePages } from './reference.ts';

const folder = join(import.meta.dirname, '..', 'docs', 'cli');
mkdirSync(folder, { recursive: true });
const pages = new Map((await referencePages()).map(({ file, text }) => [file, text]));
const present = new Map(readdirSync(folder).map(file => [file, readFileSync(join(folder, file), 'utf8')]));
const stale = [...new Set([...pages.keys(), ...present.keys()])].filter(file => pages.get(file) !== present.get(file));

if (process.argv.includes('--check')) {
  for (const file of stale) console.error(`✗ docs/cli/${file} is not what the command line says\n  → npm run generate`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const file of stale) {
    const text = pages.get(file);
    if (text === undefined) rmSync(join(folder, file));
    else writeFileSync(join(folder, file), text);
  }
}
