import { editYaml } from './edit-yaml.ts';
import { findFrontMatter } from './front-matter.ts';
import { isMapping, type Mapping } from './mapping.ts';
import { type Problem, problem } from './problem.ts';
import { decodeSource, type Source } from './source.ts';
import { parseYaml } from './yaml.ts';

/** A Markdown resource taken apart. */
export function frontMatterOf(source: Source): { frontMatter: Mapping; content: string } | { problems: Problem[] } {
  const parts = findFrontMatter(source);
  if ('code' in parts) return { problems: [parts] };
  const yaml = parseYaml(source, parts.start, parts.end);
  if ('problems' in yaml) return yaml;
  const frontMatter = yaml.document.value ?? {};
  const at = { file: source.file };
  if (!isMapping(frontMatter))
    return { problems: [problem('FIELD_INVALID', 'the front matter is not a mapping', { at })] };
  // These are the document's own words for what stands below the front matter, and beside the file.
  const taken = ['content', 'files'].find(key => Object.hasOwn(frontMatter, key));
  if (taken !== undefined) return { problems: [problem('FIELD_UNKNOWN', `\`${taken}\` is not a field`, { at })] };
  return { frontMatter, content: source.text.slice(parts.body) };
}

/**
 * A Markdown resource's text, from what the document says and what stood there before.
 * @param before empty for a new file
 * @param named whether the front matter has to say the name (Agent Skills)
 */
export function writeMarkdown(
  { metadata, spec }: { metadata: Mapping & { name: string }; spec: Mapping },
  before: string,
  named: boolean,
): string {
  const { name, project, agent, ...facts } = metadata;
  const { content = '', files, title, ...fields } = spec;
  const body = String(content);
  const source = decodeSource('', Buffer.from(before));
  const parts = 'code' in source ? source : findFrontMatter(source);
  const old = 'code' in source || 'code' in parts ? undefined : frontMatterOf(source);
  const says = old && 'frontMatter' in old ? Object.hasOwn(old.frontMatter, 'name') : named;
  const wanted = withoutUndefined({ ...(says && { name }), title, ...facts, ...fields });
  if ('code' in parts) return `---\n${frontMatterText('', wanted)}---\n${body}`;
  const end = before.slice(parts.end, parts.body);
  const closed = end.endsWith('\n') || body === '' ? end : `${end}\n`;
  return before.slice(0, parts.start) + frontMatterText(before.slice(parts.start, parts.end), wanted) + closed + body;
}

/** Front matter in which nothing stands says as much as an empty mapping. */
function frontMatterText(before: string, wanted: Mapping): string {
  const nothing = /^(?:[ \t]*(?:#.*)?\r?\n)*$/.test(before);
  return nothing && Object.keys(wanted).length === 0 ? before : editYaml(before, wanted);
}

function withoutUndefined(value: Mapping): Mapping {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
}
