import { findFrontMatter } from './front-matter.ts';
import type { Classification } from './layout.ts';
import { isMapping } from './mapping.ts';
import { type Problem, problem } from './problem.ts';
import type { Patch, Place } from './resource.ts';
import type { Source } from './source.ts';
import { parseYaml, type YamlDocument } from './yaml.ts';

/** Values in one patch; their places are kept, so that what is wrong with the result can be shown in the patch. */
const MAX_VALUES = 5_000;

/** Read a merge patch: a mapping, or for a Markdown file front matter and, if it is to be another, the text. */
export function readPatch(
  { environment, target, extras }: Extract<Classification, { kind: 'patch' }>,
  source: Source,
): { patch: Patch; problems: Problem[] } {
  const patch: Patch = { environment, target: target.id, extras, places: {} };
  const markdown = !extras && ['Prompt', 'Personality', 'Skill'].includes(target.resourceKind);
  const parts = markdown ? findFrontMatter(source) : undefined;
  if (parts && 'code' in parts) return { patch, problems: [parts] };
  const yaml = parseYaml(source, parts?.start, parts?.end);
  if ('problems' in yaml) return { patch, problems: yaml.problems };
  const value = yaml.document.value ?? (markdown ? {} : undefined);
  if (!isMapping(value)) {
    const at = source.position(yaml.document.offset([]));
    return { patch, problems: [problem('FIELD_INVALID', 'a patch is a mapping of the fields that differ', { at })] };
  }
  const places: Patch['places'] = {};
  if (!keepPlaces(places, [], value, yaml.document, source)) {
    const message = `a patch may have ${MAX_VALUES} values`;
    return { patch, problems: [problem('YAML_LIMIT', message, { at: source.position(0) })] };
  }
  const content = parts ? source.text.slice(parts.body) : '';
  return { patch: { ...patch, value, places, ...(content.trim() !== '' && { content }) }, problems: [] };
}

/** A path as a JSON pointer (RFC 6901). */
export function pointer(path: readonly PropertyKey[]): string {
  return path.map(step => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** Keep where each value stands. Returns false when there are too many. */
function keepPlaces(
  places: Patch['places'],
  path: readonly PropertyKey[],
  value: unknown,
  document: YamlDocument,
  source: Source,
): boolean {
  const pending: { path: readonly PropertyKey[]; value: unknown }[] = [{ path, value }];
  let count = 0;
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (++count > MAX_VALUES) return false;
    const here = next;
    const place = (part: 'value' | 'key'): Place => {
      const { line, column } = source.position(document.offset(here.path, part));
      return [line, column];
    };
    places[pointer(here.path)] = { value: place('value'), key: place('key') };
    if (typeof here.value !== 'object' || here.value === null) continue;
    const members = Array.isArray(here.value) ? here.value.entries() : Object.entries(here.value);
    for (const [step, member] of members) pending.push({ path: [...here.path, step], value: member });
  }
  return true;
}
