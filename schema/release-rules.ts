import { type Problem, problem } from './problem.ts';
import { type AnyResource, type ResourceId, resourceId } from './resource.ts';

/**
 * What is refused beyond the ordinary where only signed releases are followed: whatever is not pinned by the release
 * itself would be somebody else's to change. Pure.
 * @param has whether a resource is there
 */
export function releaseProblems(resource: AnyResource, has: (id: ResourceId) => boolean): Problem[] {
  if (resource.kind !== 'Server') return [];
  const { id, name, file, spec } = resource;
  const more = { at: { file }, resource: id };
  const found: Problem[] = [];
  if (spec.package?.registry === 'npm' && !has(resourceId('Lock', 'global', name))) {
    found.push(problem('PACKAGE_NOT_LOCKED', `the npm server \`${name}\` has no lock`, more));
  }
  if (spec.image !== undefined && !spec.image.includes('sha256:')) {
    found.push(problem('IMAGE_REFUSED', `the image of \`${name}\` is a tag`, more));
  }
  const bare = spec.url === undefined && spec.image === undefined && (spec.runtime ?? 'process') === 'process';
  if (bare && spec.requireIsolation !== false) {
    found.push(problem('ISOLATION_REQUIRED', `\`${name}\` runs without isolation, and does not say so`, more));
  }
  return found;
}
