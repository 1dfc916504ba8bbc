import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Problem, ProblemError, problem } from '../../../schema/index.ts';
import { type Client, clients, findClient } from '../../clients/clients.ts';
import type { ImportedServer } from '../../clients/imported.ts';
import { parseClient, parseUnnamed } from '../../clients/read-client.ts';
import { readSkills, type SkillFolder } from '../../clients/read-skills.ts';
import type { CliContext } from '../../context.ts';
import { readAtMost } from '../../read-at-most.ts';

export interface SourceOptions extends Pick<CliContext, 'cwd' | 'env'> {
  file?: string;
  client?: string;
  platform?: string;
}

/** What there is to import. */
export interface Sources {
  servers: ImportedServer[];
  skills: SkillFolder[];
  problems: Problem[];
  /** Whose file it was taken for, where only what is in it told that. */
  guessed?: Client;
}

const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Read what the command line names: one file, one folder of skills, or all files of a client.
 * @throws ProblemError USAGE
 */
export async function readSources(options: SourceOptions): Promise<Sources> {
  const { file, cwd } = options;
  const client = options.client === undefined ? undefined : clientNamed(options.client);
  if (file === undefined) {
    if (!client) throw usage('name a file, or a client with --client');
    return readAll(client, options);
  }
  const path = resolve(cwd, file);
  const stats = await stat(path).catch(() => undefined);
  if (!stats) throw usage(`there is no file \`${file}\``);
  if (stats.isDirectory()) return readFolder(path, file);
  const text = await readText(path);
  const parse = { file, projectFolder: cwd };
  const parsed = client ? parseClient(client, text, parse) : parseUnnamed(path, text, parse);
  if (!parsed) {
    const hint = `Name the client with --client: ${clients.map(({ name }) => name).join(', ')}.`;
    throw new ProblemError(problem('USAGE', `\`${file}\` is not the file of a client that is known here`, { hint }));
  }
  return { ...parsed, skills: [] };
}

/** Of two entries with one name, the first is taken, as the clients do: what is said for a project goes before. */
async function readAll(client: Client, { env, cwd, platform = process.platform }: SourceOptions): Promise<Sources> {
  const sources: Sources = { servers: [], skills: [], problems: [] };
  const paths = client.files.map(({ path }) => path({ env, platform, cwd }));
  let found = 0;
  for (const path of paths) {
    const text = await readText(path).catch(error => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw error;
    });
    if (text === undefined) continue;
    found++;
    const { servers, problems } = parseClient(client, text, { file: path, projectFolder: cwd });
    sources.problems.push(...problems);
    for (const server of servers) {
      if (!sources.servers.some(({ name }) => name === server.name)) sources.servers.push(server);
    }
  }
  if (found > 0) return sources;
  throw new ProblemError(
    problem('USAGE', `${client.title} has no file here`, {
      hint: `Looked for ${paths.join(' and ')}; name it as FILE.`,
    }),
  );
}

async function readFolder(path: string, file: string): Promise<Sources> {
  const skills = await readSkills(path);
  if (skills.length === 0) throw usage(`\`${file}\` is a folder without skills: none of its folders has a SKILL.md`);
  return { servers: [], skills, problems: [] };
}

async function readText(path: string): Promise<string> {
  const bytes = await readAtMost(path, MAX_BYTES);
  if (!bytes) throw usage(`${path} is larger than ${MAX_BYTES} bytes`);
  return bytes.toString('utf8');
}

function clientNamed(name: string): Client {
  const client = findClient(name);
  if (client) return client;
  throw usage(`there is no client \`${name}\``);
}

function usage(message: string): ProblemError {
  return new ProblemError(problem('USAGE', message));
}
