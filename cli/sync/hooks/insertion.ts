import { isDeepStrictEqual } from 'node:util';
import { createScanner, findNodeAtLocation, getNodeValue, type Node, type ParseError, parseTree } from 'jsonc-parser';

/** jsonc-parser's `SyntaxKind.CommaToken`; the enum itself is erased with its types. */
const COMMA = 5;

/** Something that was put into JSON text, with all that is needed to take exactly it out again. */
export interface Insertion {
  /** Of the object or list. */
  path: string[];
  /** The member’s key; none for an item of a list. */
  key?: string;
  value: unknown;
  /** What was written before it, without the key. */
  lead: string;
  /** Which comma was written with it: after what stands before it, after itself, or none. */
  comma: 'before' | 'after' | 'none';
  /** What was written after it, because nothing else was in there. */
  tail: string;
}

/** @returns undefined for what is no JSON object, comments and trailing commas allowed */
export function parseSettings(text: string): Node | undefined {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  return errors.length === 0 && tree?.type === 'object' ? tree : undefined;
}

/**
 * Add a member or an item as the last one. No character of anything else changes, and comments stay with what they
 * stand behind. @returns undefined when there is no object or list at the path
 */
export function insert(
  text: string,
  at: { path: string[]; key?: string },
  value: unknown,
): { text: string; insertion: Insertion } | undefined {
  const tree = parseSettings(text);
  const holder = tree && findNodeAtLocation(tree, at.path);
  if (holder?.type !== (at.key === undefined ? 'array' : 'object')) return undefined;
  const open = holder.offset + 1;
  const close = holder.offset + holder.length - 1;
  const inside = text.slice(open, close);
  const kept = inside.trimEnd();
  const last = holder.children?.at(-1);
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const indentation = /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
  const outer = lineIndent(text, holder.offset);
  const flat = last !== undefined && !inside.includes('\n');
  const inner = last && !flat ? lineIndent(text, last.offset) : outer + indentation;
  const lead = flat ? ' ' : `${eol}${inner}`;
  const printed = flat
    ? JSON.stringify(value)
    : JSON.stringify(value, undefined, indentation).replaceAll('\n', `${eol}${inner}`);
  const head = at.key === undefined ? '' : `${JSON.stringify(at.key)}: `;
  const tail = last || inside.slice(kept.length).includes('\n') ? '' : `${eol}${outer}`;
  const end = last ? last.offset + last.length : open + kept.length;
  const hasComma = last !== undefined && commaAfter(text, end) !== undefined;
  const comma = last === undefined ? 'none' : hasComma ? 'after' : 'before';
  const insertion: Insertion = { ...at, value, lead, comma, tail };
  const result =
    text.slice(0, end) +
    (comma === 'before' ? ',' : '') +
    text.slice(end, open + kept.length) +
    `${lead}${head}${printed}${comma === 'after' ? ',' : ''}${tail}` +
    text.slice(open + kept.length);
  return { text: result, insertion };
}

/** What stands as an item of a list as if it had been inserted there; undefined when it does not. */
export function recognise(text: string, path: string[], value: unknown): Insertion | undefined {
  const tree = parseSettings(text);
  const holder = tree && findNodeAtLocation(tree, path);
  const node = holder?.type === 'array' ? find(holder, { path, value, lead: '', comma: 'none', tail: '' }) : undefined;
  if (!holder || !node) return undefined;
  const before = text.slice(0, node.offset);
  const lead = before.slice(before.trimEnd().length);
  const isFirst = holder.children?.[0] === node;
  return { path, value, lead, comma: isFirst ? 'none' : 'before', tail: '' };
}

/** Where what was inserted stands now; undefined when it is gone or was changed. */
export function locate(text: string, insertion: Insertion): Node | undefined {
  const tree = parseSettings(text);
  const holder = tree && findNodeAtLocation(tree, insertion.path);
  return holder && find(holder, insertion);
}

/**
 * Take out what was inserted: the exact reverse, as long as nobody changed it or its surroundings; else it and one comma.
 * A member that was made to hold something stays while there is anything in it.
 */
export function withdraw(text: string, insertion: Insertion): string {
  const tree = parseSettings(text);
  const holder = tree && findNodeAtLocation(tree, insertion.path);
  const node = holder && find(holder, insertion);
  if (!holder || !node) return text;
  const siblings = holder.children ?? [];
  const index = siblings.indexOf(node);
  const before = siblings[index - 1];
  const after = siblings[index + 1];
  const end = node.offset + node.length;
  const start = node.offset - leadBefore(text, node.offset, insertion.lead);
  const behind = commaAfter(text, end);
  const cuts: [from: number, to: number][] = [[start, end]];
  cuts.push(...comma(behind));
  if (!after) {
    if (before && insertion.comma !== 'after' && behind === undefined) {
      cuts.push(...comma(commaAfter(text, before.offset + before.length)));
    }
    if (!before && text.startsWith(insertion.tail, end)) cuts.push([end, end + insertion.tail.length]);
  }
  return cut(text, cuts);
}

function find(holder: Node, { key, value }: Insertion): Node | undefined {
  if (key === undefined) {
    return holder.children?.findLast(item => isDeepStrictEqual(plainValue(item), value));
  }
  const member = holder.children?.find(({ children }) => children?.[0]?.value === key);
  const held = member?.children?.[1];
  // It was put there empty, to hold something.
  return held && (held.children?.length ?? 0) === 0 && isDeepStrictEqual(plainValue(held), value) ? member : undefined;
}

/** A node as plain data; the library’s own has objects without a prototype. */
export function plainValue(node: Node): unknown {
  return JSON.parse(JSON.stringify(getNodeValue(node)));
}

/** How much of what stands before a node was written with it. */
function leadBefore(text: string, offset: number, lead: string): number {
  if (text.endsWith(lead, offset) || text.slice(0, offset).endsWith(lead)) return lead.length;
  return /[ \t]*(?:\r?\n)?[ \t]*$/.exec(text.slice(0, offset))?.[0].length ?? 0;
}

/** The offset of the comma that follows, comments in between allowed. */
function commaAfter(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  return Number(scanner.scan()) === COMMA ? scanner.getTokenOffset() : undefined;
}

function comma(offset: number | undefined): [number, number][] {
  return offset === undefined ? [] : [[offset, offset + 1]];
}

/** @param cuts that do not overlap */
function cut(text: string, cuts: readonly (readonly [from: number, to: number])[]): string {
  let result = text;
  for (const [from, to] of [...cuts].sort((a, b) => b[0] - a[0])) result = result.slice(0, from) + result.slice(to);
  return result;
}

function lineIndent(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start))?.[0] ?? '';
}
