import { type Catalog, closest, type Problem, ProblemError, problem, type ResourceId } from '../../../schema/index.ts';
import { type Change, type ChangeOptions, changeTree } from '../../change-tree.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { type CommonOptions, elsewhere, resolveTarget, type Target } from '../../kinds.ts';
import { referrers } from '../../relations.ts';
import { showProblem } from '../../style.ts';
import { checkFiles, filesOf, openWorkingTree, type WorkingTree } from '../../working-tree.ts';

export interface DeleteOptions extends CliContext, CommonOptions, ChangeOptions {
  kind: string;
  names: readonly string[];
  force?: boolean;
}

/**
 * Delete resources from the working tree: all that are named, or none. Exits 1 when one is not there, or when others
 * name it; with `force`, those are told and it is deleted all the same.
 * @throws ProblemError USAGE, and those of `openWorkingTree` and `changeTree`
 */
export async function runDelete(options: DeleteOptions): Promise<ExitCode> {
  const { io, cwd, dir, kind, names, force } = options;
  if (names.length === 0 && !kind.includes('/')) throw new ProblemError(problem('USAGE', 'a name is missing'));
  const targets = (names.length === 0 ? [undefined] : names).map(name => resolveTarget(kind, name, options));
  if (targets.some(({ row }) => row.kind === 'Repository')) {
    const hint = 'Remove the folder yourself if that is what you mean.';
    throw new ProblemError(problem('USAGE', '`mcpctl.yaml` is what makes the folder a repository', { hint }));
  }
  const tree = await openWorkingTree(cwd, dir);
  const { catalog } = checkFiles(tree.files);
  const doomed = new Set(targets.flatMap(target => withOwn(tree, target)));
  const missing = targets.filter(({ id }) => !tree.files.some(file => file.id === id));
  const problems = missing.map(target => notThere(tree, target));
  const named = [...doomed].flatMap(id => stillNamed(catalog, id, doomed));
  if (force !== true) problems.push(...named);
  for (const one of problems) io.stderr(showProblem(io, one));
  if (problems.length > 0) {
    io.stderr('✗ nothing was deleted\n');
    return ExitCodes.failed;
  }
  const changes = await Promise.all([...doomed].map(id => deletion(tree, id)));
  return changeTree(options, tree, changes, { ...options, tolerate: force === true });
}

/** What goes with a resource: of a project or agent, all of its own; of a server, its lock. */
function withOwn({ files }: WorkingTree, { id = '', row, name }: Target): ResourceId[] {
  const ids = files.flatMap(file => file.id ?? []);
  if (row.kind === 'Project' || row.kind === 'Agent') return [id, ...ids.filter(one => one.startsWith(`${id}/`))];
  return row.kind === 'Server' ? [id, ...ids.filter(one => one === `lock/${name}`)] : [id];
}

function stillNamed(catalog: Catalog, id: ResourceId, doomed: ReadonlySet<ResourceId>): Problem[] {
  const naming = (referrers(catalog).get(id) ?? []).filter(one => !doomed.has(one));
  return naming.map(one => {
    const { file = '', references = [] } = catalog.get(one) ?? {};
    const [, name] = /\/([^/]+)$/.exec(id) ?? [];
    const { line = 1, column = 1 } = references.find(reference => reference.name === name) ?? {};
    return problem('RESOURCE_REFERENCED', `\`${one}\` names \`${id}\``, { at: { file, line, column }, resource: id });
  });
}

function notThere({ files }: WorkingTree, target: Target): Problem {
  const { id = '', row, name = '' } = target;
  const prefix = id.slice(0, id.length - name.length);
  const names = files.flatMap(file => (file.id?.startsWith(prefix) ? file.id.slice(prefix.length) : []));
  const meant = closest(name, names);
  const near = meant === undefined ? `List what there is: mcpctl get ${row.plural}` : `Did you mean \`${meant}\`?`;
  const there = files.map(file => file.id);
  return problem('RESOURCE_NOT_FOUND', `there is no \`${id}\``, { hint: elsewhere(there, target) ?? near });
}

async function deletion(tree: WorkingTree, id: ResourceId): Promise<Change> {
  const before = await filesOf(tree, id);
  return { id, op: 'deleted', files: [...before].map(([path, content]) => ({ path, before: content, after: null })) };
}
