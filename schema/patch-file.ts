import type { EnvelopeKind } from './envelope-readers.ts';
import type { Located } from './issues.ts';
import { classify, type Declared } from './layout.ts';
import { isMapping } from './mapping.ts';
import { checkKind } from './parse.ts';
import { type Problem, sortProblems } from './problem.ts';
import { checkMarkdown } from './read-markdown.ts';
import { pointer } from './read-patch.ts';
import { checkExtras, checkSkill } from './read-skill.ts';
import type { AnyResource, ParsedFile, Patch, Reference } from './resource.ts';

/** Merge a patch into a value (RFC 7386): mappings member by member, null removes, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMapping(patch)) return patch;
  const result = new Map<string, unknown>(isMapping(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, mergePatch(result.get(key), value));
  }
  return Object.fromEntries(result);
}

/** A file with a patch merged in, checked again; the same problems and references as before keep their places. */
export function patchFile(base: ParsedFile, patch: Patch, path: string): ParsedFile | undefined {
  if (patch.value === undefined || base.written === undefined) return undefined;
  const merged = mergePatch(base.written, patch.value);
  const located = patchLocated(merged, patch, path);
  const place = classify(base.path);
  if (place.kind === 'part') {
    if (!base.part) return undefined;
    const declared: Declared = {
      kind: 'resource',
      resourceKind: 'Skill',
      scope: place.scope,
      name: place.name,
      id: patch.target,
    };
    const extras = checkExtras(declared, located, base.path);
    return { ...base, written: merged, part: { ...base.part, extras, patched: merged } };
  }
  if (place.kind !== 'resource') return undefined;
  const { resource, problems, portable } = check(place, located, base, patch);
  const known = base.problems;
  const settled = problems.map(
    one => known.find(other => other.code === one.code && other.message === one.message) ?? one,
  );
  const part = base.part && {
    ...base.part,
    patched: { merged, content: patch.content },
    ...(portable && { portable }),
  };
  return {
    path: base.path,
    oid: base.oid,
    id: place.id,
    ...(resource && {
      resource: { ...resource, references: resource.references.map(one => samePlace(one, base.resource)) },
    }),
    written: merged,
    ...(part && { part }),
    problems: sortProblems(settled.map(one => ({ ...one, resource: place.id }))),
  };
}

function check(
  declared: Declared,
  located: Located,
  base: ParsedFile,
  { content }: Patch,
): { resource?: AnyResource; problems: Problem[]; portable?: Problem[] } {
  const kind = declared.resourceKind;
  const before = base.resource && 'content' in base.resource.spec ? base.resource.spec.content : '';
  const body = { text: content ?? before, offset: 0 };
  if (kind === 'Skill') return checkSkill(declared, located, body, base.path);
  if (kind === 'Prompt') return checkMarkdown(kind, declared, located, body, base.path);
  if (kind === 'Personality') return checkMarkdown(kind, declared, located, body, base.path);
  return checkKind(kind as EnvelopeKind, declared, located, base.path);
}

function samePlace(reference: Reference, base: AnyResource | undefined): Reference {
  const { kind, name, key, scope } = reference;
  return (
    base?.references.find(one => one.kind === kind && one.name === name && one.key === key && one.scope === scope) ??
    reference
  );
}

/** The merged value, of which the patch's own places are known; the rest is at the nearest thing around it. */
function patchLocated(value: unknown, { places }: Patch, file: string): Located {
  const list = Object.entries(places);
  const index = new Map(list.map(([key], at) => [key, at]));
  return {
    source: {
      file,
      position(offset) {
        const place = list[offset >> 1]?.[1];
        const [line, column] = (offset & 1 ? place?.key : place?.value) ?? [1, 1];
        return { file, line, column };
      },
    },
    document: {
      value,
      offset(path, part = 'value') {
        for (let length = path.length; length >= 0; length--) {
          const at = index.get(pointer(path.slice(0, length)));
          if (at !== undefined) return at * 2 + (part === 'key' && length === path.length ? 1 : 0);
        }
        return 0;
      },
    },
  };
}
