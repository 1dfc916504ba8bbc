import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { readPrivateFile } from '../../host/index.ts';
import { type Problem, problem, type Secret } from '../../schema/index.ts';
import { generatedValue } from './generated.ts';

/** Where values may come from on this machine. */
export interface SecretSources {
  /** Only `MCPCTL_SECRET_*` is looked at. */
  env: Readonly<Record<string, string | undefined>>;
  /** mcpctl's home: files are below its `secrets/`. */
  home: string;
  /** Values made up here are kept below its `secrets/`. */
  stateDir: string;
}

const MAX_BYTES = 64 * 1024;

/**
 * The value of one key of a Secret, or SECRET_UNRESOLVED with the reason; the value is in no message.
 * @param sources.scopeId resource id of the Secret; values that are made up belong to it
 */
export async function resolveSecret(
  spec: Secret,
  key: string,
  sources: SecretSources & { scopeId: string },
): Promise<{ value: string } | { problem: Problem }> {
  const source = Object.hasOwn(spec.data, key) ? spec.data[key] : undefined;
  if (!source) return unresolved(`${sources.scopeId} has no key ${key}`);
  if ('env' in source) {
    const value = Object.hasOwn(sources.env, source.env) ? sources.env[source.env] : undefined;
    return value ? { value } : unresolved(`the variable ${source.env} is ${value === '' ? 'empty' : 'not set'}`);
  }
  const path = 'file' in source ? join(sources.home, 'secrets', source.file) : join(sources.stateDir, 'secrets');
  try {
    const value =
      'file' in source
        ? await fileValue(sources.home, source.file)
        : await generatedValue(sources.stateDir, sources.scopeId, key, source.generate.bytes);
    return value === '' ? unresolved(`${path} is empty`) : { value };
  } catch (error) {
    return unresolved(reasonOf(error, path));
  }
}

/** The file's text without one trailing newline. Throws what makes it unfit. */
async function fileValue(home: string, file: string): Promise<string> {
  const folder = join(await realpath(home), 'secrets');
  const path = join(folder, file);
  if (!path.startsWith(folder + sep)) throw new Error(`${path} is outside ${folder}`);
  // A link on the way could lead to a file that was not put there for this.
  if ((await realpath(path)) !== path) throw new Error(`${path} is reached through a symbolic link`);
  const bytes = await readPrivateFile(path, MAX_BYTES);
  const text = decode(bytes);
  if (text === undefined || text.includes('\0')) throw new Error(`${path} is not text that a variable can hold`);
  return text.replace(/\r?\n$/, '');
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown, path: string): string {
  if (!(error instanceof Error)) return `${path} cannot be read`;
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return `there is no file ${path}`;
  return error.message;
}

function unresolved(reason: string): { problem: Problem } {
  return { problem: problem('SECRET_UNRESOLVED', reason) };
}
