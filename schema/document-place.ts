import { findFrontMatter } from './front-matter.ts';
import type { Position } from './problem.ts';
import { decodeSource } from './source.ts';
import { parseYaml } from './yaml.ts';

type Path = readonly PropertyKey[];

/** Fields of a front matter that are a document's metadata. */
const metadata = ['name', 'description', 'labels', 'annotations'];

/**
 * What of a resource's document stands at a place of its file: the deepest field that begins there.
 * @param bytes the file's
 * @returns a path into the document; undefined when nothing begins there
 */
export function pathInDocument({ file, line = 1, column }: Position, bytes: Uint8Array): Path | undefined {
  const source = decodeSource(file, bytes);
  const markdown = file.endsWith('.md');
  const parts = 'code' in source || !markdown ? undefined : findFrontMatter(source);
  if ('code' in source || (parts && 'code' in parts)) return undefined;
  if (parts && line >= source.position(parts.body).line) return ['spec', 'content'];
  const yaml = parseYaml(source, parts?.start, parts?.end);
  if ('problems' in yaml) return undefined;
  const { value, offset } = yaml.document;
  const begins = (path: Path) =>
    (['value', 'key'] as const).some(part => {
      const place = source.position(offset(path, part));
      return place.line === line && place.column === column;
    });
  const found = pathsOf(value, []).findLast(begins);
  if (!found || !markdown) return found;
  return [metadata.includes(String(found[0])) ? 'metadata' : 'spec', ...found];
}

/** Every path in data, each after those around it. */
function pathsOf(value: unknown, path: Path): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const steps = Array.isArray(value) ? value.keys() : Object.keys(value);
  return [path, ...[...steps].flatMap(step => pathsOf(Reflect.get(value, step), [...path, step]))];
}
