import { type Problem, problem } from './problem.ts';
import { type AnyResource, type ResourceId, resourceId } from './resource.ts';

const REPOSITORY = resourceId('Repository', 'global', 'repository');

/**
 * What is refused beyond the ordinary where only signed releases are followed: whatever is not pinned by the release
 * itself would be somebody else's to change, and that a server has the daemon's own rights must have been said. Pure.
 * @param get what else is there
 * @param standard where servers run that name no runtime
 */
export function releaseProblems(
  resource: AnyResource,
  get: (id: ResourceId) => AnyResource | undefined,
  standard = 'process',
): Problem[] {
  if (resource.kind !== 'Server') return [];
  const { id, name, file, spec } = resource;
  const more = { at: { file }, resource: id };
  const found: Problem[] = [];
  if (spec.package?.registry === 'npm' && !get(resourceId('Lock', 'global', name))) {
    found.push(problem('PACKAGE_NOT_LOCKED', `the npm server \`${name}\` has no lock`, more));
  }
  if (spec.image !== undefined && !spec.image.includes('sha256:')) {
    found.push(problem('IMAGE_REFUSED', `the image of \`${name}\` is a tag`, more));
  }
  const repository = get(REPOSITORY);
  const said = repository?.kind === 'Repository' && repository.spec.requireIsolation !== undefined;
  const here = spec.url === undefined && spec.image === undefined && (spec.runtime ?? standard) === 'process';
  if (here && !spec.isolation && !said) {
    found.push(problem('ISOLATION_REQUIRED', `nothing isolates \`${name}\`, and nothing says that it may be so`, more));
  }
  return found;
}
