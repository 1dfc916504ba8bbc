import { findFrontMatter } from '../front-matter.ts';
import { parseYaml } from '../yaml.ts';
import { plainSaid, type ReadSaid, sourceOf } from './said.ts';

/** What any file says. */
export const readSaid: ReadSaid = (path, content, markdown) => {
  if (!content) return undefined;
  const plain = plainSaid(path, content, markdown);
  if (plain) return plain;
  const source = sourceOf(path, content);
  if ('code' in source) return { unreadable: true };
  const parts = markdown ? findFrontMatter(source) : { start: 0, end: source.text.length };
  if ('code' in parts) return { unreadable: true };
  const yaml = parseYaml(source, parts.start, parts.end);
  return 'problems' in yaml ? { unreadable: true } : { value: yaml.document.value };
};
