import { plainValue } from './plain-scalar.ts';

/** What a line says by itself. */
interface Line {
  indent: number;
  isItem: boolean;
  /** Its text; of an item, that behind the dash. */
  own: string;
  /** Where that begins. */
  ownIndent: number;
  /** Of a mapping's member; undefined for anything else. */
  key: string | undefined;
  /** What stands behind the key; without one, its text. */
  rest: string;
  /** What `rest` means by itself, where that was asked for and is no list. */
  scalar?: Scalar;
}

type Scalar = string | number | boolean | null;

const MAX_CHARACTERS = 64 * 1024;
const MAX_DEPTH = 16;
const MAX_PLAIN = 4 * 1024;
/** Anything else, and tabs, is for the real parser. */
const PRINTABLE = /^[\n\u0020-\u007e]*$/;
const KEY = /^([A-Za-z][A-Za-z0-9_./-]*):(?: +(.*))?$/;
/** Text without quotes that means the same wherever it stands: no `: `, no ` #`, nothing that begins something. */
const PLAIN =
  /^(?:[A-Za-z0-9_./]|-(?=[A-Za-z0-9_./-]))(?:[A-Za-z0-9_./@+~=,;()?!$%'*&-]|:(?=[A-Za-z0-9_./@-])| (?! *(?:#|$)))*$/;
const PLAIN_IN_LIST = /^(?:[A-Za-z0-9_./]|-(?=[A-Za-z0-9_./-]))[A-Za-z0-9_./@+~= -]*$/;
/** What YAML takes for no text, and what JavaScript takes for no name. */
const RESERVED = /^(?:null|true|false|__proto__)$/i;
const DOUBLE_QUOTED = /^"[^"\\]*"$/;
const SINGLE_QUOTED = /^'[^']*'$/;

/** What was read, or that the text is more than this reader knows. */
export type PlainYaml = { value: unknown } | undefined;

/**
 * Read the YAML that most people write most of the time: mappings and lists by indentation, simple scalars on one line,
 * short lists in brackets, comments of their own line. Several times as fast as the real parser, and small. What it
 * reads means exactly what `parseYaml` makes of it; about all else, valid or not, it says nothing.
 */
export function plainYaml(text: string): PlainYaml {
  if (text.length > MAX_CHARACTERS || !PRINTABLE.test(text)) return undefined;
  const lines: Line[] = [];
  for (let start = 0; start <= text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    const line = lineOf(text.slice(start, end));
    if (line) lines.push(line);
    start = end + 1;
  }
  if (lines.length === 0) return undefined;
  const reader = new Reader(lines);
  try {
    const value = reader.block(lines[0]?.indent ?? 0, 0);
    return reader.isAtEnd() ? { value } : undefined;
  } catch (error) {
    if (error instanceof Unknown) return undefined;
    throw error;
  }
}

/** Files of one kind have most lines in common. */
const MOST_KEPT = 1_000;
/** Characters; a longer line is nobody else's. */
const LONGEST_KEPT = 200;
const kept = new Map<string, Line | null>();

/** @returns null for what says nothing */
function lineOf(raw: string): Line | null {
  const known = kept.get(raw);
  if (known !== undefined) return known;
  if (raw.length > LONGEST_KEPT) return readLine(raw);
  // A copy: as a part of a file's text it would keep all of that in memory.
  const own = Buffer.from(raw, 'latin1').toString('latin1');
  const line = readLine(own);
  if (kept.size >= MOST_KEPT) kept.clear();
  kept.set(own, line);
  return line;
}

function readLine(raw: string): Line | null {
  const text = raw.trim();
  if (text === '' || text.startsWith('#')) return null;
  const indent = raw.indexOf(text);
  const isItem = text === '-' || text.startsWith('- ');
  const own = isItem ? text.slice(1).trimStart() : text;
  const [, key, rest = ''] = KEY.exec(own) ?? [];
  return {
    indent,
    isItem,
    own,
    ownIndent: indent + text.length - own.length,
    key,
    rest: key === undefined ? own : rest,
  };
}

/** Thrown at what this reader does not know. */
class Unknown extends Error {}

class Reader {
  private readonly lines: readonly Line[];
  private at = 0;

  constructor(lines: readonly Line[]) {
    this.lines = lines;
  }

  isAtEnd(): boolean {
    return this.at === this.lines.length;
  }

  /** The mapping or list whose lines begin at an indentation. */
  block(indent: number, depth: number): unknown {
    if (depth > MAX_DEPTH) throw new Unknown();
    return this.isItem(this.lines[this.at], indent) ? this.list(indent, depth) : this.mapping(indent, depth);
  }

  private list(indent: number, depth: number): unknown[] {
    const items: unknown[] = [];
    for (let line = this.lines[this.at]; this.isItem(line, indent); line = this.lines[this.at]) {
      if (line.own === '' || line.own === '-' || line.own.startsWith('- ')) throw new Unknown();
      // A mapping begins behind the dash: as if its first line stood there.
      if (line.key !== undefined) items.push(this.mapping(line.ownIndent, depth + 1, true));
      else {
        this.at += 1;
        items.push(scalarOf(line));
      }
    }
    return items;
  }

  /** @param isInItem whether its first line stands behind a dash */
  private mapping(indent: number, depth: number, isInItem = false): Record<string, unknown> {
    if (depth > MAX_DEPTH) throw new Unknown();
    const members: Record<string, unknown> = {};
    let isFirstInItem = isInItem;
    for (let line = this.lines[this.at]; line; line = this.lines[this.at]) {
      if (!isFirstInItem && line.indent !== indent) break;
      const { key, rest } = line;
      if (key === undefined || line.isItem !== isFirstInItem || RESERVED.test(key) || Object.hasOwn(members, key)) {
        throw new Unknown();
      }
      isFirstInItem = false;
      this.at += 1;
      members[key] = rest === '' || rest.startsWith('#') ? this.below(indent, depth, rest) : scalarOf(line);
    }
    return members;
  }

  /** What stands below a key that has nothing behind it. */
  private below(indent: number, depth: number, comment: string): unknown {
    if (comment !== '') throw new Unknown();
    const next = this.lines[this.at];
    if (next && next.indent > indent) return this.block(next.indent, depth + 1);
    // A list may stand as far left as its key.
    if (this.isItem(next, indent)) return this.list(indent, depth + 1);
    return null;
  }

  private isItem(line: Line | undefined, indent: number): line is Line {
    return line?.indent === indent && line.isItem;
  }
}

/** A list is made anew for each line that says it. */
function scalarOf(line: Line): unknown {
  if (line.scalar !== undefined) return line.scalar;
  const value = scalar(line.rest);
  if (typeof value !== 'object' || value === null) line.scalar = value;
  return value;
}

function scalar(text: string): Scalar | unknown[] | Record<string, never> {
  if (DOUBLE_QUOTED.test(text) || SINGLE_QUOTED.test(text)) return text.slice(1, -1);
  if (text.startsWith('[') && text.endsWith(']')) return bracketed(text.slice(1, -1).trim());
  if (text === '{}') return {};
  // Looking for what comes behind spaces takes time for each of them.
  if (text.length > MAX_PLAIN || !PLAIN.test(text)) throw new Unknown();
  return plain(text);
}

function bracketed(text: string): Scalar[] {
  if (text === '') return [];
  return text.split(',').map(part => {
    const item = part.trim();
    if (DOUBLE_QUOTED.test(item) || SINGLE_QUOTED.test(item)) return item.slice(1, -1);
    if (!PLAIN_IN_LIST.test(item)) throw new Unknown();
    return plain(item);
  });
}

function plain(text: string): Scalar {
  const found = plainValue(text);
  if ('refused' in found) throw new Unknown();
  return found.value;
}
