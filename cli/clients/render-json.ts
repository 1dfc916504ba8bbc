import { isDeepStrictEqual } from 'node:util';
import { type Problem, problem } from '../../schema/index.ts';
import type { Client } from './clients.ts';
import { addItem, setMember } from './edit-json.ts';
import { entryValue, type GatewayEntry, isGatewayEntry, TOKEN_INPUT } from './gateway-entry.ts';
import { isRecord, readJsonObject } from './json-file.ts';

export type Rendered = { text: string } | { problem: Problem };

/**
 * Put a gateway's entry into the text of a JSON client's file. Everything else stays as it is, comments included.
 * @param text what the file has; empty when there is none
 * @returns CLIENT_FILE_INVALID, CLIENT_ENTRY_TAKEN when it cannot be done
 */
export function renderJson(client: Client, text: string, entry: GatewayEntry, file: string): Rendered {
  const before = readJsonObject(text, file);
  if ('problem' in before) return { problem: before.problem as Problem };
  const key = client.format === 'vscode' ? 'servers' : 'mcpServers';
  const taken = takenBy(before[key], entry.name, key, file);
  if (taken) return { problem: taken };
  const value = entryValue(client.name, entry);
  const mark = text.startsWith('\ufeff') ? '\ufeff' : '';
  const body = text.slice(mark.length);
  let edited = setMember(body.trim() === '' ? '{}\n' : body, [key], entry.name, value);
  if (client.format === 'vscode' && entry.via.kind === 'url') {
    const { inputs } = before;
    if (inputs !== undefined && !Array.isArray(inputs)) return { problem: unexpected('inputs', 'a list', file) };
    const isAsked = inputs?.some(input => isRecord(input) && input.id === TOKEN_INPUT.id) === true;
    if (!isAsked)
      edited = inputs ? addItem(edited, ['inputs'], TOKEN_INPUT) : setMember(edited, [], 'inputs', [TOKEN_INPUT]);
  }
  const after = readJsonObject(edited, file);
  const expected = { ...before, [key]: { ...(before[key] as object | undefined), [entry.name]: value } };
  if (!isDeepStrictEqual(without(after, 'inputs'), without(expected, 'inputs'))) {
    return { problem: problem('CLIENT_FILE_INVALID', 'the entry cannot be added to it', { at: { file } }) };
  }
  return { text: mark + edited };
}

/** What keeps an entry of that name from being written. */
export function takenBy(entries: unknown, name: string, key: string, file: string): Problem | undefined {
  if (entries === undefined) return undefined;
  if (!isRecord(entries)) return unexpected(key, 'an object', file);
  if (!Object.hasOwn(entries, name) || isGatewayEntry(entries[name])) return undefined;
  const message = `it has an entry \`${name}\` that is not mcpctl’s`;
  return problem('CLIENT_ENTRY_TAKEN', message, { at: { file } });
}

function unexpected(key: string, what: string, file: string): Problem {
  return problem('CLIENT_FILE_INVALID', `\`${key}\` is not ${what}`, { at: { file } });
}

function without(object: Record<string, unknown>, key: string): Record<string, unknown> {
  const { [key]: _, ...rest } = object;
  return rest;
}
