import { plainValue } from './plain-scalar.ts';

interface Line {
  indent: number;
  /** Without the spaces before and after it. */
  text: string;
}

const MAX_CHARACTERS = 64 * 1024;
const MAX_DEPTH = 16;
/** Anything else, and tabs, is for the real parser. */
const PRINTABLE = /^[\n\u0020-\u007e]*$/;
const KEY = /^([A-Za-z][A-Za-z0-9_./-]*):(?: +(.*))?$/;
/** Text without quotes that means the same wherever it stands: no `: `, no ` #`, nothing that begins something. */
const PLAIN =
  /^(?:[A-Za-z0-9_./]|-(?=[A-Za-z0-9_./-]))(?:[A-Za-z0-9_./@+~=,;()?!$%'*&-]|:(?=[A-Za-z0-9_./@-])| (?! *(?:#|$)))*$/;
const PLAIN_IN_LIST = /^(?:[A-Za-z0-9_./]|-(?=[A-Za-z0-9_./-]))[A-Za-z0-9_./@+~= -]*$/;
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
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (trimmed !== '' && !trimmed.startsWith('#')) lines.push({ indent: line.indexOf(trimmed), text: trimmed });
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
      const rest = line.text.slice(1).trimStart();
      if (rest === '' || rest.startsWith('- ') || rest === '-') throw new Unknown();
      if (KEY.test(rest)) {
        // A mapping begins behind the dash: as if its first line stood there.
        const inner = indent + line.text.length - rest.length;
        items.push(this.mapping(inner, depth + 1, rest));
      } else {
        this.at += 1;
        items.push(scalar(rest));
      }
    }
    return items;
  }

  /** @param first the first line, when it stands behind a dash */
  private mapping(indent: number, depth: number, first?: string): Record<string, unknown> {
    if (depth > MAX_DEPTH) throw new Unknown();
    const members: Record<string, unknown> = {};
    let given = first;
    for (let line = this.lines[this.at]; line; line = this.lines[this.at]) {
      if (given === undefined && line.indent !== indent) break;
      const [, key, text = ''] = KEY.exec(given ?? line.text) ?? [];
      if (key === undefined || /^(?:null|true|false|__proto__)$/i.test(key) || Object.hasOwn(members, key)) {
        throw new Unknown();
      }
      given = undefined;
      this.at += 1;
      members[key] = text === '' || text.startsWith('#') ? this.below(indent, depth, text) : scalar(text);
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
    return line?.indent === indent && (line.text === '-' || line.text.startsWith('- '));
  }
}

function scalar(text: string): unknown {
  if (DOUBLE_QUOTED.test(text) || SINGLE_QUOTED.test(text)) return text.slice(1, -1);
  if (text.startsWith('[') && text.endsWith(']')) return bracketed(text.slice(1, -1).trim());
  if (text === '{}') return {};
  if (!PLAIN.test(text)) throw new Unknown();
  return plain(text);
}

function bracketed(text: string): unknown[] {
  if (text === '') return [];
  return text.split(',').map(part => {
    const item = part.trim();
    if (DOUBLE_QUOTED.test(item) || SINGLE_QUOTED.test(item)) return item.slice(1, -1);
    if (!PLAIN_IN_LIST.test(item)) throw new Unknown();
    return plain(item);
  });
}

function plain(text: string): unknown {
  const found = plainValue(text);
  if ('refused' in found) throw new Unknown();
  return found.value;
}
