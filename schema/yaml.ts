import {
  Composer,
  type CST,
  type Document,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type ParsedNode,
  Parser,
  Schema,
} from 'yaml';
import { plainYaml } from './plain-yaml.ts';
import { type Problem, type ProblemCode, problem } from './problem.ts';
import { printable, quoted } from './quote.ts';
import type { Source } from './source.ts';
import { readNodes } from './yaml-nodes.ts';

/** A YAML document as plain data, with the way back from a path in the data to its place in the file. */
export interface YamlDocument {
  value: unknown;
  /**
   * Offset into the text of what stands at a path: of the value, or of its key. Where the path leads nowhere, that of
   * the nearest thing around it.
   */
  offset(path: readonly PropertyKey[], part?: 'value' | 'key'): number;
}

export type YamlResult = { document: YamlDocument } | { problems: Problem[] };

/** Levels of mappings and sequences within each other. */
const MAX_DEPTH = 64;
/** Lexical tokens in a document (a short line has about five); bounds time and memory. */
const MAX_LEXEMES = 100_000;
/** Syntax errors shown; the rest usually follow from the first. */
const MAX_SYNTAX_PROBLEMS = 10;

// Scalars are resolved by plain-scalar.ts, which the failsafe schema leaves as text.
const failsafe = new Schema({ schema: 'failsafe', resolveKnownTags: false });

/**
 * Read one YAML 1.2 document: only what maps to JSON, every key once, bounded in depth, size and what aliases expand to.
 * @param source the file; `start` and `end` bound the part that is YAML
 * @returns the document, or all that keeps it from being read (`YAML_*`, `FIELD_INVALID`), with positions
 */
export function parseYaml(source: Source, start = 0, end = source.text.length): YamlResult {
  const plain = plainYaml(source.text.slice(start, end));
  if (!plain) return composeYaml(source, start, end);
  // Where something stands is asked for of few files; what it means is known without that.
  let composed: YamlResult | undefined;
  const offset: YamlDocument['offset'] = (path, part) => {
    composed ??= composeYaml(source, start, end);
    return 'document' in composed ? composed.document.offset(path, part) : start;
  };
  return { document: { value: plain.value, offset } };
}

/** The same for whatever text there may be, by the real parser. */
export function composeYaml(source: Source, start = 0, end = source.text.length): YamlResult {
  const report = (code: ProblemCode, offset: number, message: string, hint?: string): Problem =>
    problem(code, message, { at: source.position(start + offset), ...(hint !== undefined && { hint }) });

  const tokens = tokenize(source.text.slice(start, end), report);
  if (!Array.isArray(tokens)) return { problems: [tokens] };

  const composer = new Composer({
    schema: failsafe,
    version: '1.2',
    strict: true,
    uniqueKeys: false,
    logLevel: 'silent',
  });
  let doc: Document.Parsed | undefined;
  for (const composed of composer.compose(tokens, true, end - start)) doc ??= composed;
  if (!doc) return { problems: [report('YAML_SYNTAX', 0, 'there is no YAML document')] };
  if (doc.errors.length > 0) {
    const shown = doc.errors.slice(0, MAX_SYNTAX_PROBLEMS);
    return { problems: shown.map(error => report('YAML_SYNTAX', error.pos[0], syntaxMessage(error.message))) };
  }

  const root = doc.contents;
  const { value, problems, aliases } = readNodes(root, report);
  if (problems.length > 0) return { problems };
  const offset: YamlDocument['offset'] = (path, part = 'value') => start + offsetOf(root, aliases, path, part);
  return { document: { value, offset } };
}

type Report = (code: ProblemCode, offset: number, message: string, hint?: string) => Problem;

/** The tokens of exactly one document, or the limit or directive that stopped reading. */
function tokenize(text: string, report: Report): CST.Token[] | Problem {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let lexemes = 0;
  let documents = 0;
  const accept = (token: CST.Token): Problem | undefined => {
    tokens.push(token);
    if (token.type === 'directive') return directiveProblem(token.source, token.offset, report);
    if (token.type !== 'document' || ++documents < 2) return undefined;
    return report('YAML_UNSUPPORTED', token.offset, 'a second document begins here', 'Keep one document in each file.');
  };
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      const refused = accept(token);
      if (refused) return refused;
    }
    if (++lexemes > MAX_LEXEMES) return report('YAML_LIMIT', parser.offset, 'the document has too many parts');
    // The document itself and the scalar being read stand on the stack too.
    if (parser.stack.length > MAX_DEPTH + 2) {
      return report('YAML_LIMIT', parser.offset, `the document is nested more than ${MAX_DEPTH} levels deep`);
    }
  }
  for (const token of parser.end()) {
    const refused = accept(token);
    if (refused) return refused;
  }
  return tokens;
}

function directiveProblem(directive: string, offset: number, report: Report): Problem | undefined {
  const [name, version, ...rest] = directive.trim().split(/[ \t]+/);
  if (name !== '%YAML') {
    return report('YAML_UNSUPPORTED', offset, `the directive ${quoted(directive)} is not supported`, 'Remove it.');
  }
  if (version === '1.2' && (rest.length === 0 || rest[0]?.startsWith('#'))) return undefined;
  return report('YAML_VERSION', offset, `${quoted(directive)} asks for another YAML than 1.2`);
}

function syntaxMessage(message: string): string {
  const [first = ''] = message.split('\n');
  return printable(first.length > 160 ? `${first.slice(0, 160)}…` : first);
}

type Aliases = ReadonlyMap<ParsedNode, ParsedNode>;

function offsetOf(
  root: ParsedNode | null,
  aliases: Aliases,
  path: readonly PropertyKey[],
  part: 'value' | 'key',
): number {
  let node = root;
  let offset = root?.range[0] ?? 0;
  for (const [index, step] of path.entries()) {
    const target: ParsedNode | null | undefined = node && (aliases.get(node) ?? node);
    const child = childAt(target, step);
    if (!child) return offset;
    node = child.value;
    const wantsKey = part === 'key' && index === path.length - 1;
    // An empty value has no place of its own to speak of; its key has.
    const empty = !node || (isScalar(node) && node.source === '' && node.type === 'PLAIN');
    offset = wantsKey || empty ? child.offset : (node?.range[0] ?? child.offset);
  }
  return offset;
}

/** A member of a mapping or sequence, with the offset of its key (of the member itself in a sequence). */
function childAt(
  node: ParsedNode | null | undefined,
  step: PropertyKey,
): { value: ParsedNode | null; offset: number } | undefined {
  if (isMap<ParsedNode, ParsedNode | null>(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
    return pair && { value: pair.value, offset: pair.key.range[0] };
  }
  if (!isSeq<ParsedNode>(node) || typeof step !== 'number') return undefined;
  const item = node.items[step];
  return item && { value: item, offset: item.range[0] };
}
