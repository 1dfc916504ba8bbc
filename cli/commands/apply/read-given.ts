import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { type GivenDocument, type Problem, ProblemError, problem, readDocuments } from '../../../schema/index.ts';
import type { CliContext } from '../../context.ts';
import { readAtMost } from '../../read-at-most.ts';

/** More than this is no list of resources. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Read the documents of files, of folders (their YAML and JSON files, by name) and of standard input (`-`).
 * @throws ProblemError USAGE for a file that cannot be read
 */
export async function readGiven(
  context: Pick<CliContext, 'cwd' | 'stdin'>,
  names: readonly string[],
): Promise<{ documents: GivenDocument[]; problems: Problem[] }> {
  const all: { documents: GivenDocument[]; problems: Problem[] } = { documents: [], problems: [] };
  for (const given of names) {
    for (const file of await filesIn(context.cwd, given)) {
      const name = file === '-' ? 'stdin' : file;
      const source = file === '-' ? inputOf(context) : resolve(context.cwd, file);
      const bytes = await readAtMost(source, MAX_BYTES).catch(unreadable(name));
      if (!bytes) throw usage(`${name} is too large: more than ${MAX_BYTES} bytes`);
      const { documents, problems } = readDocuments(name, bytes);
      all.documents.push(...documents);
      all.problems.push(...problems);
    }
  }
  return all;
}

async function filesIn(cwd: string, name: string): Promise<string[]> {
  if (name === '-') return [name];
  const stats = await stat(resolve(cwd, name)).catch(unreadable(name));
  if (!stats.isDirectory()) return [name];
  const found = (await readdir(resolve(cwd, name))).filter(file => /\.(?:ya?ml|json)$/.test(file)).sort();
  if (found.length === 0) throw usage(`${name} has no .yaml, .yml or .json file`);
  return found.map(file => join(name, file));
}

function inputOf({ stdin }: Pick<CliContext, 'stdin'>): Readable {
  if (!stdin) throw usage('there is no standard input');
  return stdin();
}

function unreadable(file: string): (error: NodeJS.ErrnoException) => never {
  return error => {
    throw usage(`${file} cannot be read: ${error.code ?? error.message}`);
  };
}

function usage(message: string): ProblemError {
  return new ProblemError(problem('USAGE', message, { hint: 'Name a file, a folder, or - for standard input.' }));
}
