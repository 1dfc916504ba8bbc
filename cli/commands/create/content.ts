import { lstat, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ProblemError, problem } from '../../../schema/index.ts';
import type { CliContext } from '../../context.ts';
import { readAtMost } from '../../read-at-most.ts';
import type { CreateFlags } from './flags.ts';

const MAX_BYTES = 8 * 1024 * 1024;
const MAX_FILES = 1000;

/** One file of a bundle, as a document has it. */
interface BundledFile {
  path: string;
  mode: '100644' | '100755';
  content: string;
}

/**
 * The text of a Markdown resource: given, or from a file or standard input.
 * @throws ProblemError USAGE
 */
export async function readText(
  { cwd, stdin }: Pick<CliContext, 'cwd' | 'stdin'>,
  { content, contentFile }: CreateFlags,
): Promise<string> {
  if (content !== undefined && contentFile !== undefined)
    throw usage('`--content` and `--content-file` exclude each other');
  if (content !== undefined) return content.endsWith('\n') ? content : `${content}\n`;
  if (contentFile === undefined) throw usage('it has no text');
  if (contentFile !== '-') return (await readOne(cwd, contentFile)).toString('utf8');
  if (!stdin) throw usage('there is no standard input');
  return bounded(await readAtMost(stdin(), MAX_BYTES), 'stdin').toString('utf8');
}

/**
 * A new bundle's files besides `SKILL.md`: those of a folder, and `skill.yaml`.
 * @throws ProblemError USAGE
 */
export async function readBundled(cwd: string, { filesDir, metadataFile }: CreateFlags): Promise<BundledFile[]> {
  const files: BundledFile[] = [];
  if (filesDir !== undefined) {
    const root = resolve(cwd, filesDir);
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => {
      throw usage(`${filesDir} is not a folder that can be read`);
    });
    for (const entry of entries) {
      if (entry.isDirectory()) continue;
      const path = join(entry.parentPath, entry.name).slice(root.length + 1);
      if (!entry.isFile()) throw usage(`${join(filesDir, path)} is not a regular file`);
      if (files.length === MAX_FILES) throw usage(`${filesDir} has more than ${MAX_FILES} files`);
      const { mode } = await lstat(join(root, path));
      files.push(bundled(path, await readOne(root, path), (mode & 0o100) !== 0));
    }
  }
  if (metadataFile !== undefined) files.push(bundled('skill.yaml', await readOne(cwd, metadataFile), false));
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function bundled(path: string, bytes: Buffer, executable: boolean): BundledFile {
  return { path, mode: executable ? '100755' : '100644', content: bytes.toString('base64') };
}

async function readOne(cwd: string, file: string): Promise<Buffer> {
  const bytes = await readAtMost(resolve(cwd, file), MAX_BYTES).catch((error: NodeJS.ErrnoException) => {
    throw usage(`${file} cannot be read: ${error.code ?? error.message}`);
  });
  return bounded(bytes, file);
}

function bounded(bytes: Buffer | undefined, file: string): Buffer {
  if (!bytes) throw usage(`${file} is larger than ${MAX_BYTES} bytes`);
  return bytes;
}

function usage(message: string): ProblemError {
  return new ProblemError(
    problem('USAGE', message, { hint: 'Give `--content TEXT` or `--content-file FILE`; see --help.' }),
  );
}
