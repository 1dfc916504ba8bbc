import { existsSync } from 'node:fs';
import { lstat, readFile, realpath, rm, stat } from 'node:fs/promises';
import { writeAtomic } from '../../host/index.ts';
import { removeMember } from './edit-json.ts';
import { isGatewayEntry } from './gateway-entry.ts';
import { isRecord, readJsonObject } from './json-file.ts';

/**
 * Take an entry that leads to a gateway out of a client’s file with `mcpServers`; the file goes when nothing else is in
 * it, and everything else in it stays as it is, byte by byte. Another program’s entry of that name is left.
 * @returns the file’s path; undefined when there was nothing to take out
 */
export async function removeGatewayEntry(path: string | undefined, name: string): Promise<string | undefined> {
  if (path === undefined || !existsSync(path)) return undefined;
  // People keep such a file elsewhere and link it, and keep others from reading it.
  const file = await realpath(path);
  const text = await readFile(file, 'utf8');
  const value = readJsonObject(text, path);
  const servers = 'problem' in value ? undefined : value.mcpServers;
  if (!isRecord(servers) || !isGatewayEntry(servers[name])) return undefined;
  const mark = text.startsWith('\ufeff') ? '\ufeff' : '';
  const rest = removeMember(text.slice(mark.length), ['mcpServers'], name);
  if (/^\s*\{\s*"mcpServers"\s*:\s*\{\s*\}\s*\}\s*$/.test(rest) && !(await lstat(path)).isSymbolicLink())
    await rm(path);
  else await writeAtomic(file, mark + rest, { mode: (await stat(file)).mode & 0o777 });
  return path;
}
