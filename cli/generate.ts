/**
 * Writes `docs/cli/`, the reference of the command line, and the captures in the README: `npm run generate`. With
 * `--check`, only says what is stale.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withCaptures } from './captures.ts';
import { referencePages } from './reference.ts';

const root = join(import.meta.dirname, '..');
mkdirSync(join(root, 'docs', 'cli'), { recursive: true });
const present = new Map(
  ['README.md', ...readdirSync(join(root, 'docs', 'cli')).map(file => `docs/cli/${file}`)].map(file => [
    file,
    readFileSync(join(root, file), 'utf8'),
  ]),
);
const pages = new Map((await referencePages()).map(({ file, text }) => [`docs/cli/${file}`, text]));
pages.set('README.md', await withCaptures(present.get('README.md') ?? '', root));
const stale = [...new Set([...pages.keys(), ...present.keys()])].filter(file => pages.get(file) !== present.get(file));

if (process.argv.includes('--check')) {
  for (const file of stale) console.error(`✗ ${file} is not what the command line says\n  → npm run generate`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const file of stale) {
    const text = pages.get(file);
    if (text === undefined) rmSync(join(root, file));
    else writeFileSync(join(root, file), text);
  }
}
