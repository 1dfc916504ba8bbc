import { isMapping } from './mapping.ts';
import { plainValue } from './plain-scalar.ts';

/**
 * A value as block YAML: what follows its key or dash on the same line, and the lines below, not yet indented.
 * A mapping or sequence that has members has no head.
 */
export interface PrintedNode {
  head: string;
  body: string[];
}

/** The longest list that is written on one line. */
const MAX_FLOW = 72;

/** A document as YAML 1.2, ending in a newline. What `parseYaml` makes of it is the value again. */
export function printYaml(value: unknown): string {
  const { head, body } = printNode(value);
  return `${[...(head === '' ? [] : [head]), ...body].join('\n')}\n`;
}

/** A value as block YAML. @param value JSON-like data; `undefined` members are left out */
export function printNode(value: unknown): PrintedNode {
  if (typeof value === 'string' && isBlockText(value)) return printBlock(value);
  if (Array.isArray(value) && value.length > 0) return printItems(value);
  if (!isMapping(value)) return { head: printFlow(value), body: [] };
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  if (members.length === 0) return { head: '{}', body: [] };
  return { head: '', body: members.flatMap(([key, member]) => printPair(key, member)) };
}

/** `key: value` with the lines that belong to it. */
export function printPair(key: string, value: unknown): string[] {
  const { head, body } = printNode(value);
  const name = printFlow(key);
  return [head === '' ? `${name}:` : `${name}: ${head}`, ...indented(body)];
}

/** `- value` with the lines that belong to it. */
export function printItem(value: unknown): string[] {
  const { head, body } = printNode(value);
  if (head !== '') return [`- ${head}`, ...indented(body)];
  const [first = '', ...rest] = body;
  return [`- ${first}`, ...indented(rest)];
}

/** A value on one line, fit for the inside of `[…]` and `{…}` too. */
export function printFlow(value: unknown): string {
  if (typeof value === 'string') return isPlain(value) ? value : printQuoted(value);
  if (Array.isArray(value)) return `[${value.map(printFlow).join(', ')}]`;
  if (!isMapping(value)) return JSON.stringify(value ?? null);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  if (members.length === 0) return '{}';
  return `{ ${members.map(([key, member]) => `${printFlow(key)}: ${printFlow(member)}`).join(', ')} }`;
}

/** A double-quoted scalar: JSON's escapes, and those for what would not be seen. */
export function printQuoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Lines two columns further in; empty ones stay empty. */
export function indented(lines: readonly string[], columns = 2): string[] {
  return lines.map(line => (line === '' ? '' : ' '.repeat(columns) + line));
}

function printItems(items: readonly unknown[]): PrintedNode {
  const scalars = items.every(item => typeof item !== 'object' && !(typeof item === 'string' && isBlockText(item)));
  const line = scalars ? printFlow(items) : '';
  if (scalars && line.length <= MAX_FLOW) return { head: line, body: [] };
  return { head: '', body: items.flatMap(printItem) };
}

/** Several lines, and nothing that a block scalar could lose: then `|` shows them as they are. */
function isBlockText(text: string): boolean {
  if (!text.includes('\n') || !text.isWellFormed()) return false;
  return !/^\n*(?:[ \t]|$)|[ \t](?:\n|$)|\n\n$|[^\P{Cc}\n\t]|[\u2028\u2029\ufeff]/u.test(text);
}

function printBlock(text: string): PrintedNode {
  if (!text.endsWith('\n')) return { head: '|-', body: text.split('\n') };
  return { head: '|', body: text.slice(0, -1).split('\n') };
}

/** Whether every reader, YAML 1.1 ones too, takes the unquoted text for this text. */
function isPlain(text: string): boolean {
  if (!/^(?:--?)?[\p{L}\p{N}_./$(][^\p{C}\p{Z},[\]{}]*(?: [^\p{C}\p{Z},[\]{}]+)*$/u.test(text)) return false;
  if (/: |:$| #|^---|^\.\.\./.test(text)) return false;
  if (/^(?:y|n|yes|no|on|off)$/i.test(text) || /^[-+]?[0-9][0-9_]*(?::|$)|^[0-9]{4}-[0-9]{1,2}-/.test(text))
    return false;
  const plain = plainValue(text);
  return 'value' in plain && plain.value === text;
}
