import { type Catalog, type ResourceId, resourceId, selectedPrompts, selectedServers } from '../../schema/index.ts';
import { SEVERAL } from './budget.ts';

/** A project that would serve nothing of a sort of which it serves several now. */
export interface Emptied {
  project: ResourceId;
  /** Everything that it would lose. */
  members: ResourceId[];
  because: string;
}

/**
 * Projects that serve several servers, or prompts, and would serve none: a label that nobody has any more, a list that
 * was cut off.
 * @param moves id before → id after
 */
export function emptiedProjects(
  before: Catalog,
  after: Catalog,
  moves: ReadonlyMap<ResourceId, ResourceId>,
): Emptied[] {
  return before.list('Project').flatMap(project => {
    const now = after.get(moves.get(project.id) ?? project.id);
    if (now?.kind !== 'Project') return [];
    const servers = selectedServers(before, project).map(name => resourceId('Server', 'global', name));
    const prompts = selectedPrompts(before, project).map(({ id }) => id);
    return [
      ...lost(project.id, servers, selectedServers(after, now).length, 'servers'),
      ...lost(project.id, prompts, selectedPrompts(after, now).length, 'prompts'),
    ];
  });
}

function lost(project: ResourceId, members: ResourceId[], left: number, sort: string): Emptied[] {
  if (left > 0 || members.length < SEVERAL) return [];
  return [{ project, members, because: `${project} would serve none of its ${members.length} ${sort}` }];
}
