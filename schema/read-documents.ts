import { ResourceDocument } from './document.ts';
import { issueProblems, type Located } from './issues.ts';
import { type Position, type Problem, problem, sortProblems } from './problem.ts';
import { decodeSource, type Source } from './source.ts';
import { parseYaml, type YamlDocument } from './yaml.ts';

/** A resource as somebody gave it, with the way back to where its parts stand. */
export interface GivenDocument {
  document: ResourceDocument;
  /** Where something of the document stands; where the path leads nowhere, the nearest thing around it. */
  place(path: readonly PropertyKey[], part?: 'value' | 'key'): Position;
}

/**
 * Read the resources of a YAML or JSON file: one document or several with `---` between them, each one a resource, an
 * array of resources, or a `List` with `items`.
 * @param file its name, for positions
 */
export function readDocuments(file: string, bytes: Uint8Array): { documents: GivenDocument[]; problems: Problem[] } {
  const source = decodeSource(file, bytes);
  if ('code' in source) return { documents: [], problems: [source] };
  const documents: GivenDocument[] = [];
  const problems: Problem[] = [];
  for (const { start, end } of splitDocuments(source.text)) {
    const yaml = parseYaml(source, start, end);
    if ('problems' in yaml) {
      problems.push(...yaml.problems);
      continue;
    }
    for (const { path, value } of resourcesIn(yaml.document.value)) {
      const located = within(source, yaml.document, path, value);
      const parsed = ResourceDocument.safeParse(value);
      if (!parsed.success) problems.push(...issueProblems(parsed.error.issues, ResourceDocument, located));
      else documents.push({ document: parsed.data, place: placeIn(located) });
    }
  }
  if (documents.length === 0 && problems.length === 0) {
    problems.push(problem('FIELD_MISSING', 'there is no resource in it', { at: { file, line: 1, column: 1 } }));
  }
  return { documents, problems: sortProblems(problems) };
}

/** Where each document of a stream stands. In YAML, `---` or `...` at the beginning of a line is never content. */
function splitDocuments(text: string): { start: number; end: number }[] {
  const parts: { start: number; end: number }[] = [];
  let start = 0;
  let filled = false;
  for (const { 0: line, index } of text.matchAll(/^.*(?:\n|$)/gm)) {
    if (/^---(?=[ \t\r\n]|$)/.test(line)) {
      if (filled) parts.push({ start, end: index });
      // What stands before the first content are directives and comments; they belong to what follows.
      if (filled) start = index;
      filled = true;
    } else if (/^\.\.\.(?=[ \t\r\n]|$)/.test(line)) {
      if (filled) parts.push({ start, end: index });
      start = index + line.length;
      filled = false;
    } else if (!/^(?:%|[ \t\r]*(?:#|\n|$))/.test(line)) {
      filled = true;
    }
  }
  if (filled) parts.push({ start, end: text.length });
  return parts;
}

/** A document without content is none. */
function resourcesIn(value: unknown): { path: PropertyKey[]; value: unknown }[] {
  if (value === null) return [];
  const items = Array.isArray(value) ? value : Reflect.get(Object(value), 'items');
  const isList = Array.isArray(value) || Reflect.get(Object(value), 'kind') === 'List';
  if (!isList || !Array.isArray(items)) return [{ path: [], value }];
  const base = Array.isArray(value) ? [] : ['items'];
  return items.map((item, index) => ({ path: [...base, index], value: item }));
}

function within(source: Source, document: YamlDocument, base: readonly PropertyKey[], value: unknown): Located {
  return { source, document: { value, offset: (path, part) => document.offset([...base, ...path], part) } };
}

function placeIn({ source, document }: Located): GivenDocument['place'] {
  return (path, part) => source.position(document.offset(path, part));
}
