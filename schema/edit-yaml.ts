import { isDeepStrictEqual } from 'node:util';
import { type Document, isAlias, isMap, isScalar, isSeq, type ParsedNode, parseDocument } from 'yaml';
import { editMap, type Splice } from './edit-block.ts';
import { isMapping, type Mapping } from './mapping.ts';
import { printFlow, printYaml } from './print-yaml.ts';
import { decodeSource } from './source.ts';
import { parseYaml } from './yaml.ts';

/**
 * Change a YAML document so that it has another value, touching no character of what stays as it is: comments, order,
 * quoting and line endings are kept. The document's nodes say where each part stands in the text.
 * @param text what stands there; when it is no valid YAML, all but the comments at its top is written anew
 * @param desired the whole value
 * @returns the new text, which `parseYaml` reads as `desired`
 */
export function editYaml(text: string, desired: Mapping): string {
  const value = readValue(text);
  if (isDeepStrictEqual(value, desired)) return text;
  const crlf = /^[^\n]*\r\n/.test(text);
  const withEnding = (lines: string) => (crlf ? lines.replaceAll(/\r?\n/g, '\r\n') : lines);
  if (isMapping(value)) {
    // A change of what an alias repeats must not reach the other place: then aliases are written out first.
    for (const start of [text, applySplices(text, writtenOut(compose(text).contents, value))]) {
      const splices = changes(start, value, desired).map(one => ({ ...one, text: withEnding(one.text) }));
      const edited = applySplices(start, splices);
      if (isDeepStrictEqual(readValue(edited), desired)) return edited;
    }
  }
  const head = /^(?:[ \t]*(?:#.*)?\r?\n)*/.exec(text)?.[0] ?? '';
  return head + withEnding(printYaml(desired));
}

function readValue(text: string): unknown {
  const source = decodeSource('', Buffer.from(text));
  const yaml = 'code' in source ? undefined : parseYaml(source);
  return yaml && 'document' in yaml ? yaml.document.value : undefined;
}

function compose(text: string): Document.Parsed {
  return parseDocument(text, { schema: 'failsafe', version: '1.2', uniqueKeys: false, keepSourceTokens: true });
}

function changes(text: string, before: Mapping, after: Mapping): Splice[] {
  const root = compose(text).contents;
  const splices: Splice[] = [];
  if (isMap<ParsedNode, ParsedNode | null>(root)) editMap({ text, splices }, root, before, after);
  return splices;
}

/** Every alias below a node replaced by what it stands for. */
function writtenOut(node: ParsedNode | null, value: unknown): Splice[] {
  if (isAlias(node)) return [{ start: node.range[0], end: node.range[1], text: printFlow(value) }];
  if (isSeq<ParsedNode>(node) && Array.isArray(value)) {
    return node.items.flatMap((item, index) => writtenOut(item, value[index]));
  }
  if (!isMap<ParsedNode, ParsedNode | null>(node) || !isMapping(value)) return [];
  return node.items.flatMap(pair => (isScalar(pair.key) ? writtenOut(pair.value, value[String(pair.key.value)]) : []));
}

function applySplices(text: string, splices: readonly Splice[]): string {
  let result = '';
  let position = 0;
  for (const { start, end, text: replacement } of splices.toSorted((a, b) => a.start - b.start)) {
    result += text.slice(position, start) + replacement;
    position = Math.max(position, end);
  }
  return result + text.slice(position);
}
