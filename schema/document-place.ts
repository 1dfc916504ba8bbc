import { findFrontMatter } from './front-matter.ts';
import type { Position } from './problem.ts';
import { decodeSource } from './source.ts';
import { parseYaml } from './yaml.ts';

type Path = readonly PropertyKey[];

/** A field of a document: its value, or its key. */
export interface Field {
  path: Path;
  part: 'value' | 'key';
}

/** Fields of a front matter that are a document's metadata. */
const metadata = ['name', 'description', 'labels', 'annotations'];

/**
 * What of a resource's document stands at a place of its file: the deepest field that begins there.
 * @param bytes the file's
 * @returns undefined when nothing begins there
 */
export function pathInDocument({ file, line = 1, column }: Position, bytes: Uint8Array): Field | undefined {
  const source = decodeSource(file, bytes);
  const markdown = file.endsWith('.md');
  const parts = 'code' in source || !markdown ? undefined : findFrontMatter(source);
  if ('code' in source || (parts && 'code' in parts)) return undefined;
  if (parts && line >= source.position(parts.body).line) return { path: ['spec', 'content'], part: 'value' };
  const yaml = parseYaml(source, parts?.start, parts?.end);
  if ('problems' in yaml) return undefined;
  const { value, offset } = yaml.document;
  const begins = ({ path, part }: Field) => {
    const place = source.position(offset(path, part));
    return place.line === line && place.column === column;
  };
  const fields = pathsOf(value, []).flatMap(path => (['key', 'value'] as const).map(part => ({ path, part })));
  const found = fields.findLast(begins);
  if (!found || !markdown) return found;
  const holder = metadata.includes(String(found.path[0])) ? 'metadata' : 'spec';
  return { path: [holder, ...found.path], part: found.part };
}

/** Every path in data, each after those around it. */
function pathsOf(value: unknown, path: Path): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const steps = Array.isArray(value) ? value.keys() : Object.keys(value);
  return [path, ...[...steps].flatMap(step => pathsOf(Reflect.get(value, step), [...path, step]))];
}
