import type { FileContent } from '../document.ts';
import { findFrontMatter } from '../front-matter.ts';
import { isMapping } from '../mapping.ts';
import { plainYaml } from '../plain-yaml.ts';
import type { Problem } from '../problem.ts';
import { decodeSource, type Source, textSource } from '../source.ts';

/** What a file says, whether or not it is valid; undefined when there is none. */
export type Said = { value: unknown } | { unreadable: true } | undefined;

/** Reads what a file says. @param markdown only its front matter is read */
export type ReadSaid = (path: string, content: FileContent | undefined, markdown: boolean) => Said;

/** The same for files that say it plainly; undefined for one that takes the real parser. */
export function plainSaid(path: string, content: FileContent, markdown: boolean): Said {
  const source = sourceOf(path, content);
  if ('code' in source) return { unreadable: true };
  const parts = markdown ? findFrontMatter(source) : { start: 0, end: source.text.length };
  if ('code' in parts) return { unreadable: true };
  return plainYaml(source.text.slice(parts.start, parts.end));
}

/** The text of a file, or why there is none. */
export function sourceOf(path: string, content: FileContent): Source | Problem {
  return content.text === undefined ? decodeSource(path, content.bytes) : textSource(path, content.text);
}

/** Whether the front matter of two Markdown files is the same to the byte, so that it need not be parsed. */
export function sameFrontMatter(before: FileContent | undefined, after: FileContent | undefined): boolean {
  const [old, now] = [before, after].map(content => {
    const source = content && sourceOf('', content);
    if (!source || 'code' in source) return undefined;
    const parts = findFrontMatter(source);
    return 'code' in parts ? undefined : source.text.slice(parts.start, parts.end);
  });
  return old !== undefined && old === now;
}

/** A member of a member of a value. */
export function memberAt(said: Said, path: readonly string[]): unknown {
  let value = said && 'value' in said ? said.value : undefined;
  for (const key of path) value = isMapping(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
}

/** Text of a file; undefined for anything else, or more than so many bytes. */
export function textOf(content: FileContent | undefined, maxBytes = 1024 * 1024): string | undefined {
  // No character is less than a byte.
  if (!content || (content.text ?? content.bytes).length > maxBytes) return undefined;
  const source = sourceOf('', content);
  return 'code' in source ? undefined : source.text;
}
