import { isDeepStrictEqual } from 'node:util';
import { findNodeAtLocation, getNodeValue, type Node } from 'jsonc-parser';
import { type Insertion, insert, locate, parseSettings, plainValue, recognise, withdraw } from './insertion.ts';

/** One entry of a client’s settings that a skill brings with it. */
export interface HookEntry {
  /** The skill’s id. */
  source: string;
  event: string;
  /** As it stands in the settings, markers included. */
  value: Record<string, unknown>;
}

/** What was put into one file, in the order in which it was. */
export interface Applied {
  entries: HookEntry[];
  insertions: Insertion[];
}

export const nothingApplied: Applied = { entries: [], insertions: [] };

const BOM = '\ufeff';

/**
 * Put entries into the text of a settings file in the place of those that were put there before. Everything else keeps
 * every byte: order, indentation, comments, a byte order mark. Without entries the text is what it was before the
 * first. @returns undefined for text that is not understood; nothing is to be written then
 */
export function applyHooks(
  text: string,
  before: Applied,
  entries: readonly HookEntry[],
): { text: string; applied: Applied } | undefined {
  const mark = text.startsWith(BOM) ? BOM : '';
  const body = text.slice(mark.length);
  if (!isUnderstood(body)) return undefined;
  if (isDeepStrictEqual(before.entries, entries) && isApplied(body, before)) return { text, applied: before };
  let result = before.insertions.reduceRight(withdraw, body);
  const insertions: Insertion[] = [];
  const add = (at: { path: string[]; key?: string }, value: unknown): boolean => {
    const done = insert(result, at, value);
    if (!done) return false;
    result = done.text;
    insertions.push(done.insertion);
    return true;
  };
  for (const { event, value } of entries) {
    if (!has(result, ['hooks']) && !add({ path: [], key: 'hooks' }, {})) return undefined;
    if (!has(result, ['hooks', event]) && !add({ path: ['hooks'], key: event }, [])) return undefined;
    if (!add({ path: ['hooks', event] }, value)) return undefined;
  }
  return { text: mark + result, applied: { entries: [...entries], insertions } };
}

/**
 * Entries that stand in a file with our markers, exactly as they are wanted, although nothing is remembered of it: they
 * are taken for ours, so that none stands there twice and each goes with its skill.
 */
export function foundAgain(text: string, entries: readonly HookEntry[]): Applied {
  const body = text.replace(BOM, '');
  if (!isUnderstood(body)) return nothingApplied;
  const found = entries.flatMap(entry => {
    const insertion =
      entry.value._mcpctl_managed === true ? recognise(body, ['hooks', entry.event], entry.value) : undefined;
    return insertion ? [{ entry, insertion }] : [];
  });
  return { entries: found.map(({ entry }) => entry), insertions: found.map(({ insertion }) => insertion) };
}

/** Whether every entry is still there as it was put. */
function isApplied(text: string, { insertions }: Applied): boolean {
  return insertions.every(insertion => insertion.key !== undefined || locate(text, insertion));
}

function has(text: string, path: string[]): boolean {
  const tree = parseSettings(text);
  return tree !== undefined && findNodeAtLocation(tree, path) !== undefined;
}

/** A JSON object whose `hooks` are lists by event, none of them twice. */
function isUnderstood(text: string): boolean {
  const tree = parseSettings(text);
  if (!tree || hasTwins(tree)) return false;
  const hooks = findNodeAtLocation(tree, ['hooks']);
  if (!hooks) return true;
  if (hooks.type !== 'object' || hasTwins(hooks)) return false;
  return (hooks.children ?? []).every(({ children }) => children?.[1]?.type === 'array');
}

function hasTwins({ children = [] }: Node): boolean {
  const keys = children.map(member => member.children?.[0]?.value);
  return new Set(keys).size < keys.length;
}

/** Entries with our markers that a skill brought and that people changed since: they are theirs now. */
export function changedEntries(text: string, { entries }: Applied): string[] {
  const tree = parseSettings(text.replace(BOM, ''));
  const hooks = tree && findNodeAtLocation(tree, ['hooks']);
  if (hooks?.type !== 'object') return [];
  return Object.entries(plainValue(hooks) as object).flatMap(([event, list]) => {
    if (!Array.isArray(list)) return [];
    return list.flatMap(item => {
      if (item?._mcpctl_managed !== true || typeof item._mcpctl_source !== 'string') return [];
      const ours = entries.some(entry => entry.event === event && isDeepStrictEqual(entry.value, item));
      return ours ? [] : [`${item._mcpctl_source} ${event}`];
    });
  });
}

/** What a settings file says of settings that keep hooks from running. */
export function hookSettings(text: string | undefined): [name: string, on: boolean][] {
  const tree = parseSettings((text ?? '').replace(BOM, ''));
  const value = tree ? getNodeValue(tree) : {};
  return ['disableAllHooks', 'allowManagedHooksOnly'].flatMap(name =>
    typeof value[name] === 'boolean' ? [[name, value[name]] as [string, boolean]] : [],
  );
}
