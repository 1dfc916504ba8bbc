import { isDeepStrictEqual } from 'node:util';
import { isMap, isScalar, isSeq, type ParsedNode } from 'yaml';
import { isMapping } from './mapping.ts';
import { matchItems } from './match-items.ts';
import { printFlow, printQuoted } from './print-yaml.ts';

/**
 * The new text of a node that is written on one line or inside `[…]` or `{…}`; what does not change keeps its text.
 * @param text the whole document's
 */
export function editFlow(text: string, node: ParsedNode | null, before: unknown, after: unknown): string {
  if (node && isDeepStrictEqual(before, after)) return text.slice(node.range[0], node.range[1]);
  const members = node && membersOf(text, node, before, after);
  if (!node || !members || members.pieces.length === 0) return printScalar(node, after);
  const { old, pieces } = members;
  const first = old[0];
  const last = old.at(-1);
  if (!first || !last) return printFlow(after);
  const second = old[1];
  const usual = second ? text.slice(first.end, second.start) : ', ';
  const between = usual.includes('#') ? ', ' : usual;
  const joined = pieces.map(({ index, text: piece }, place) => {
    if (place === pieces.length - 1) return piece;
    const here = index === undefined ? undefined : old[index];
    const next = index === undefined ? undefined : old[index + 1];
    return piece + (here && next ? text.slice(here.end, next.start) : between);
  });
  return text.slice(node.range[0], first.start) + joined.join('') + text.slice(last.end, node.range[1]);
}

/** A scalar in the quotes that the one before it had. */
export function printScalar(node: ParsedNode | null, value: unknown): string {
  if (typeof value === 'string' && isScalar(node)) {
    if (node.type === 'QUOTE_DOUBLE') return printQuoted(value);
    if (node.type === 'QUOTE_SINGLE' && /^[^\p{C}\p{Zl}\p{Zp}]*$/u.test(value))
      return `'${value.replaceAll("'", "''")}'`;
  }
  return printFlow(value);
}

interface Members {
  /** Where the members stand. */
  old: { start: number; end: number }[];
  /** What is to stand there: `index` is the member's old place. */
  pieces: { index?: number; text: string }[];
}

/** Undefined when the one is no collection of the other's sort. */
function membersOf(text: string, node: ParsedNode, before: unknown, after: unknown): Members | undefined {
  if (isSeq<ParsedNode>(node) && Array.isArray(before) && Array.isArray(after)) {
    const old = node.items.map(({ range: [start, end] }) => ({ start, end }));
    const pieces = matchItems(before, after).flatMap(({ before: index, after: place }) => {
      if (place === undefined) return [];
      if (index === undefined) return [{ text: printFlow(after[place]) }];
      return [{ index, text: editFlow(text, node.items[index] ?? null, before[index], after[place]) }];
    });
    return { old, pieces };
  }
  if (!isMap<ParsedNode, ParsedNode | null>(node) || !isMapping(before) || !isMapping(after)) return undefined;
  const old = node.items.map(({ key, value }) => ({ start: key.range[0], end: value?.range[1] ?? key.range[1] }));
  const kept = new Set<string>();
  const pieces: Members['pieces'] = [];
  for (const [index, { key, value }] of node.items.entries()) {
    const name = isScalar(key) ? String(key.value) : '';
    if (!Object.hasOwn(after, name)) continue;
    kept.add(name);
    const [start, end] = key.range;
    const same = isDeepStrictEqual(before[name], after[name]);
    const empty = !value || value.range[0] === value.range[1];
    if (same) pieces.push({ index, text: text.slice(start, value?.range[1] ?? end) });
    else if (empty) pieces.push({ index, text: `${text.slice(start, end)}: ${printFlow(after[name])}` });
    else
      pieces.push({
        index,
        text: text.slice(start, value.range[0]) + editFlow(text, value, before[name], after[name]),
      });
  }
  for (const [name, value] of Object.entries(after)) {
    if (!kept.has(name)) pieces.push({ text: `${printFlow(name)}: ${printFlow(value)}` });
  }
  return { old, pieces };
}
