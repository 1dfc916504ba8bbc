import { existsSync } from 'node:fs';
import { lstat, readFile, realpath, rm, stat } from 'node:fs/promises';
import { writeAtomic } from '../../host/index.ts';
import type { Problem } from '../../schema/index.ts';
import { removeEmpty, removeMember } from './edit-json.ts';
import { isGatewayEntry, TOKEN_INPUT } from './gateway-entry.ts';
import { isRecord, readJsonObject } from './json-file.ts';
import { removeFromCodex } from './render-codex.ts';

/** What became of an entry: taken out of the file at `removed`, or left, because it is another program's or unreadable. */
export type RemovedEntry = { removed: string } | { foreign: string } | { problem: Problem };

/**
 * Take an entry that leads to a gateway out of a client’s file; the file goes when nothing else is in it, and everything
 * else in it stays as it is, byte by byte. Another program’s entry of that name is left.
 * @returns undefined when there was nothing to take out
 */
export async function removeGatewayEntry(path: string | undefined, name: string): Promise<RemovedEntry | undefined> {
  if (path === undefined || !existsSync(path)) return undefined;
  // People keep such a file elsewhere and link it, and keep others from reading it.
  const file = await realpath(path);
  const text = await readFile(file, 'utf8');
  const mark = text.startsWith('\ufeff') ? '\ufeff' : '';
  const body = text.slice(mark.length);
  const rest = path.endsWith('.toml') ? removeFromCodex(body, name) : removeFromJson(body, name, path);
  if (rest === undefined) return undefined;
  if (typeof rest === 'object') return 'problem' in rest ? rest : { foreign: path };
  if (
    /^\s*(?:\{\s*(?:"(?:mcpServers|servers)"\s*:\s*\{\s*\}\s*)?\})?\s*$/.test(rest) &&
    !(await lstat(path)).isSymbolicLink()
  )
    await rm(path);
  else await writeAtomic(file, mark + rest, { mode: (await stat(file)).mode & 0o777 });
  return { removed: path };
}

/** @returns the text without the entry; an object when it has to stay */
function removeFromJson(
  text: string,
  name: string,
  file: string,
): string | { foreign: true } | { problem: Problem } | undefined {
  const value = readJsonObject(text, file);
  if ('problem' in value) return { problem: value.problem as Problem };
  const key = ['mcpServers', 'servers'].find(one => isRecord(value[one]) && isGatewayEntry(value[one][name]));
  if (key === undefined) {
    const isThere = ['mcpServers', 'servers'].some(one => isRecord(value[one]) && Object.hasOwn(value[one], name));
    return isThere ? { foreign: true } : undefined;
  }
  const without = removeMember(text, [key], name);
  const rest = Object.keys(value).length > 1 ? removeEmpty(without, key) : without;
  // What VS Code asks for is asked for nothing, when no other entry needs it.
  const { inputs } = value;
  const onlyOurs = Array.isArray(inputs) && inputs.every(input => isRecord(input) && input.id === TOKEN_INPUT.id);
  return onlyOurs && !rest.includes(`{input:${TOKEN_INPUT.id}}`) ? removeMember(rest, [], 'inputs') : rest;
}
