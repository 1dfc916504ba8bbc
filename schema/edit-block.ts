import { isDeepStrictEqual } from 'node:util';
import { type CST, isMap, isScalar, isSeq, type Pair, type ParsedNode, type YAMLMap, type YAMLSeq } from 'yaml';
import { editFlow, printScalar } from './edit-flow.ts';
import { isMapping, type Mapping } from './mapping.ts';
import { matchItems } from './match-items.ts';
import { indented, type PrintedNode, printItem, printNode, printPair } from './print-yaml.ts';

/** Text to stand in place of what is between two offsets. */
export interface Splice {
  start: number;
  end: number;
  text: string;
}

/** A document's text, and what is to be changed in it, in the order of the text. */
export interface Editing {
  text: string;
  splices: Splice[];
}

/** Where a value stands: after a key's colon, or after a dash. */
interface Slot {
  after: 'key' | 'dash';
  /** Offset just behind the colon or dash. */
  start: number;
  /** Columns by which lines of its own are indented. */
  indent: number;
  node: ParsedNode | null;
}

type BlockMap = YAMLMap<ParsedNode, ParsedNode | null>;
type BlockPair = Pair<ParsedNode, ParsedNode | null>;

/** Collect what has to change in a mapping that has members before and after. The result is to be checked by reading it. */
export function editMap(editing: Editing, map: BlockMap, before: Mapping, after: Mapping): void {
  const { text, splices } = editing;
  if (map.flow) {
    const [start, end] = map.range ?? [0, 0];
    splices.push({ start, end, text: editFlow(text, map as ParsedNode, before, after) });
    return;
  }
  const pairs = new Map(map.items.map(pair => [isScalar(pair.key) ? String(pair.key.value) : '', pair]));
  const goes = ({ key }: BlockPair) => !Object.hasOwn(after, isScalar(key) ? String(key.value) : '');
  for (const [index, pair] of map.items.entries()) {
    if (!goes(pair)) continue;
    const next = map.items.slice(index + 1).find(one => !goes(one));
    remove(editing, pair.key.range[0], pairEnd(pair), next?.key.range[0]);
  }
  const column = columnOf(text, map.items[0]?.key.range[0] ?? 0);
  let last = map.items.at(-1);
  for (const [key, value] of Object.entries(after)) {
    const pair = pairs.get(key);
    if (pair) {
      last = pair;
      editSlot(
        editing,
        { after: 'key', start: colonEnd(pair), indent: column + 2, node: pair.value },
        before[key],
        value,
      );
    } else if (last) {
      insertAfter(editing, pairEnd(last), indented(printPair(key, value), column));
    }
  }
}

function editSeq(
  editing: Editing,
  seq: YAMLSeq<ParsedNode>,
  before: readonly unknown[],
  after: readonly unknown[],
): void {
  if (seq.flow) {
    const [start, end] = seq.range ?? [0, 0];
    editing.splices.push({ start, end, text: editFlow(editing.text, seq as ParsedNode, before, after) });
    return;
  }
  const dashes = dashesOf(seq);
  const column = columnOf(editing.text, dashes[0] ?? 0);
  let last: number | undefined;
  for (const match of matchItems(before, after)) {
    const node = seq.items[match.before ?? -1] ?? null;
    const dash = dashes[match.before ?? -1] ?? 0;
    const end = node?.range[1] ?? dash + 1;
    if (match.after === undefined) remove(editing, dash, end, dashes[(match.before ?? 0) + 1]);
    else if (match.before !== undefined)
      editSlot(
        editing,
        { after: 'dash', start: dash + 1, indent: column + 2, node },
        before[match.before],
        after[match.after],
      );
    else if (last !== undefined) insertAfter(editing, last, indented(printItem(after[match.after]), column));
    else insertBefore(editing, dashes[0] ?? 0, printItem(after[match.after]), column);
    if (match.before !== undefined) last = end;
  }
}

function editSlot(editing: Editing, slot: Slot, before: unknown, after: unknown): void {
  const { node } = slot;
  if (isDeepStrictEqual(before, after)) return;
  if (isMap<ParsedNode, ParsedNode | null>(node) && isMapping(before) && isMapping(after) && keepsAny(before, after)) {
    editMap(editing, node, before, after);
  } else if (isSeq<ParsedNode>(node) && isFilledList(before) && isFilledList(after)) {
    editSeq(editing, node, before, after);
  } else {
    replace(editing, slot, after);
  }
}

/** Put another value into a slot; comments on its lines stay. */
function replace({ text, splices }: Editing, slot: Slot, value: unknown): void {
  const { node, start } = slot;
  const [from, to] = node?.range ?? [start, start];
  const filled = node !== null && to > from;
  const block = filled && text[to - 1] === '\n';
  const printed = printFor(node, value);
  if (filled && !block && printed.body.length === 0) {
    splices.push({ start: from, end: to, text: printed.head });
    return;
  }
  const lineEnd = endOfLine(text, block ? to - 1 : to);
  const gap = filled ? text.slice(start, from) : '';
  const header = block && isScalar(node) ? text.slice(from, endOfLine(text, from)) : '';
  const comment = /(?:^|[ \t])#.*/.exec(block ? header : text.slice(to, lineEnd))?.[0].trimStart();
  if (gap.includes('\n')) {
    // The value begins on a line of its own, perhaps below comments.
    const lines = printed.head === '' ? printed.body : [withComment(printed.head, comment), ...printed.body];
    splices.push({
      start: lineStart(text, from),
      end: lineEnd,
      text: lines.map(line => pad(line, slot.indent)).join('\n'),
    });
    return;
  }
  const beside = comment ?? /#.*/.exec(gap)?.[0];
  const [first = '', ...rest] = printed.head === '' && slot.after === 'dash' ? printed.body : ['', ...printed.body];
  const head = withComment(printed.head === '' ? first : printed.head, beside);
  const lines = [head === '' ? '' : ` ${head}`, ...rest.map(line => pad(line, slot.indent))];
  splices.push({ start, end: lineEnd, text: lines.join('\n') });
}

function printFor(node: ParsedNode | null, value: unknown): PrintedNode {
  if (typeof value !== 'string') return printNode(value);
  if (isScalar(node) && node.type?.startsWith('QUOTE')) return { head: printScalar(node, value), body: [] };
  return printNode(value);
}

function withComment(head: string, comment: string | undefined): string {
  return [head, comment ?? ''].filter(part => part !== '').join(' ');
}

/**
 * Take out a member's lines. One that shares its first line with a dash leaves that to the next member that
 * stays (at `next`), and to the comments between.
 */
function remove({ text, splices }: Editing, from: number, to: number, next: number | undefined): void {
  const line = lineStart(text, from);
  const end = nextLine(text, to);
  if (text.slice(line, from).trim() === '') {
    splices.push({ start: line, end, text: '' });
    return;
  }
  const stop = next ?? end;
  const indent = ' '.repeat(columnOf(text, stop));
  const comments = text.slice(end, stop).match(/(?<=^[ \t]*)#.*$/gm) ?? [];
  splices.push({ start: from, end: stop, text: comments.map(comment => `${comment}\n${indent}`).join('') });
}

function insertAfter({ text, splices }: Editing, end: number, lines: readonly string[]): void {
  const at = nextLine(text, end);
  const block = lines.join('\n');
  splices.push({ start: at, end: at, text: at > 0 && text[at - 1] !== '\n' ? `\n${block}` : `${block}\n` });
}

function insertBefore({ splices }: Editing, at: number, lines: readonly string[], column: number): void {
  const [first = '', ...rest] = lines;
  const block = [first, ...indented(rest, column)].join('\n');
  splices.push({ start: at, end: at, text: `${block}\n${' '.repeat(column)}` });
}

function colonEnd({ srcToken, key }: BlockPair): number {
  const colon = srcToken?.sep?.find(({ type }) => type === 'map-value-ind');
  return colon ? colon.offset + 1 : key.range[1];
}

function pairEnd(pair: BlockPair): number {
  return pair.value?.range[1] ?? colonEnd(pair);
}

function dashesOf(seq: YAMLSeq<ParsedNode>): number[] {
  const { items = [] } = seq.srcToken as Partial<CST.BlockSequence>;
  return items.flatMap(({ start }) => start.find(({ type }) => type === 'seq-item-ind')?.offset ?? []);
}

function columnOf(text: string, offset: number): number {
  return offset - lineStart(text, offset);
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** Where a line's ending begins. */
function endOfLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  if (end === -1) return text.length;
  return text[end - 1] === '\r' ? end - 1 : end;
}

/** Where the line after a value begins; the values of blocks end with their line. */
function nextLine(text: string, end: number): number {
  if (text[end - 1] === '\n') return end;
  const newline = text.indexOf('\n', end);
  return newline === -1 ? text.length : newline + 1;
}

function pad(line: string, columns: number): string {
  return line === '' ? '' : ' '.repeat(columns) + line;
}

function keepsAny(before: Mapping, after: Mapping): boolean {
  return Object.keys(before).some(key => Object.hasOwn(after, key));
}

function isFilledList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0;
}
