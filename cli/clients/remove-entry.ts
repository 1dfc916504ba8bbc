import { existsSync } from 'node:fs';
import { lstat, readFile, realpath, rm, stat } from 'node:fs/promises';
import { writeAtomic } from '../../host/index.ts';
import { removeEmpty, removeMember } from './edit-json.ts';
import { isGatewayEntry, TOKEN_INPUT } from './gateway-entry.ts';
import { isRecord, readJsonObject } from './json-file.ts';
import { removeFromCodex } from './render-codex.ts';

/**
 * Take an entry that leads to a gateway out of a client’s file; the file goes when nothing else is in it, and everything
 * else in it stays as it is, byte by byte. Another program’s entry of that name is left.
 * @returns the file’s path; undefined when there was nothing to take out
 */
export async function removeGatewayEntry(path: string | undefined, name: string): Promise<string | undefined> {
  if (path === undefined || !existsSync(path)) return undefined;
  // People keep such a file elsewhere and link it, and keep others from reading it.
  const file = await realpath(path);
  const text = await readFile(file, 'utf8');
  const mark = text.startsWith('\ufeff') ? '\ufeff' : '';
  const body = text.slice(mark.length);
  const rest = path.endsWith('.toml') ? removeFromCodex(body, name) : removeFromJson(body, name);
  if (rest === undefined) return undefined;
  if (
    /^\s*(?:\{\s*(?:"(?:mcpServers|servers)"\s*:\s*\{\s*\}\s*)?\})?\s*$/.test(rest) &&
    !(await lstat(path)).isSymbolicLink()
  )
    await rm(path);
  else await writeAtomic(file, mark + rest, { mode: (await stat(file)).mode & 0o777 });
  return path;
}

function removeFromJson(text: string, name: string): string | undefined {
  const value = readJsonObject(text, name);
  if ('problem' in value) return undefined;
  const key = ['mcpServers', 'servers'].find(one => isRecord(value[one]) && isGatewayEntry(value[one][name]));
  if (key === undefined) return undefined;
  const without = removeMember(text, [key], name);
  const rest = Object.keys(value).length > 1 ? removeEmpty(without, key) : without;
  // What VS Code asks for is asked for nothing, when no other entry needs it.
  const { inputs } = value;
  const onlyOurs = Array.isArray(inputs) && inputs.every(input => isRecord(input) && input.id === TOKEN_INPUT.id);
  return onlyOurs && !rest.includes(`{input:${TOKEN_INPUT.id}}`) ? removeMember(rest, [], 'inputs') : rest;
}
