import { type AnyResource, type ParsedFile, type Problem, problem, type ResourceId } from '../../schema/index.ts';

/**
 * What a commit no longer declares though a file that means nothing looks like its own: `servers/a.yml`,
 * `servers/A.yaml`, a symbolic link in place of `servers/`. That is a slip of whoever wrote it, not a removal.
 * @param missing what is in service and not declared any more
 */
export function displaced(
  missing: readonly AnyResource[],
  files: readonly ParsedFile[],
): ReadonlyMap<ResourceId, Problem> {
  const found = new Map<ResourceId, Problem>();
  const misplaced = missing.length === 0 ? [] : files.filter(isMisplaced);
  if (misplaced.length === 0) return found;
  const byStem = new Map(misplaced.map(file => [stem(file.path), file]));
  const byPath = new Map(misplaced.map(file => [file.path.toLowerCase(), file]));
  for (const { id, file } of missing) {
    const like =
      byStem.get(stem(file)) ??
      ancestors(file)
        .map(path => byPath.get(path.toLowerCase()))
        .find(Boolean);
    if (like) found.set(id, looksLike(id, file, like));
  }
  return found;
}

function isMisplaced({ id, resource, part, patch, problems }: ParsedFile): boolean {
  return id === undefined && !resource && !part && !patch && problems.length > 0;
}

/** A path up to the first dot of its last part, in lower case. */
function stem(path: string): string {
  const slash = path.lastIndexOf('/');
  const dot = path.indexOf('.', slash + 2);
  return (dot === -1 ? path : path.slice(0, dot)).toLowerCase();
}

function ancestors(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

function looksLike(id: ResourceId, file: string, like: ParsedFile): Problem {
  const [why] = like.problems;
  const message = `${id} is no longer declared by ${file}, but ${why?.message ?? like.path}; it stays as it was`;
  const hint = why?.hint ?? `Put ${file} back, or remove ${like.path} as well.`;
  return problem('PRUNE_DISPLACED', message, { at: { file: like.path }, resource: id, hint });
}
