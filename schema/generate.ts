/** Writes the files that are derived from this room: `npm run generate`. With `--check`, only says which are stale. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { documentSchemas } from './json-schema.ts';
import { printJson } from './print-json.ts';
import { problemPage } from './problem-page.ts';
import { referencePages } from './reference-page.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function generatedFiles(): Map<string, string> {
  const files = new Map([['docs/problems.md', problemPage()]]);
  for (const [name, page] of referencePages()) files.set(`docs/reference/${name}`, page);
  for (const { name, schema } of documentSchemas()) {
    files.set(`schema/generated/${name}.schema.json`, `${printJson(schema)}\n`);
  }
  return files;
}

function current(path: string): string | undefined {
  try {
    return readFileSync(root + path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Files in folders that hold nothing but what is generated. */
function present(): string[] {
  return ['docs/reference', 'schema/generated'].flatMap(folder => {
    try {
      return readdirSync(root + folder).map(name => `${folder}/${name}`);
    } catch {
      return [];
    }
  });
}

const wanted = generatedFiles();
const stale = [...wanted].filter(([path, text]) => current(path) !== text).map(([path]) => path);
const left = present().filter(path => !wanted.has(path));
if (process.argv.includes('--check')) {
  for (const path of [...stale, ...left]) process.stderr.write(`${path} is not what \`npm run generate\` writes\n`);
  if (stale.length + left.length > 0) process.exitCode = 1;
} else {
  for (const path of stale) {
    mkdirSync(dirname(root + path), { recursive: true });
    writeFileSync(root + path, wanted.get(path) ?? '');
  }
  for (const path of left) rmSync(root + path);
}
