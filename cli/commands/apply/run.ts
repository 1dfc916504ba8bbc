import {
  asProblem,
  findKind,
  fromDocument,
  type GivenDocument,
  type Problem,
  pathInDocument,
  problem,
  type ResourceFiles,
  resourceId,
  type Scope,
} from '../../../schema/index.ts';
import { type Change, type ChangeOptions, changeOf, changeTree } from '../../change-tree.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { type CommonOptions, resolveTarget } from '../../kinds.ts';
import { showProblem } from '../../style.ts';
import { filesOf, openWorkingTree, ownerFolder, type WorkingTree } from '../../working-tree.ts';
import { readGiven } from './read-given.ts';

export interface ApplyOptions extends CliContext, CommonOptions, ChangeOptions {
  filename: readonly string[];
}

/**
 * Write documents into the working tree: what is new is created, what differs is changed, the rest is left alone.
 * Exits 1, with nothing changed, when a document or what it would make of the tree has an error.
 * @throws ProblemError USAGE, and those of `openWorkingTree` and `changeTree`
 */
export async function runApply(options: ApplyOptions): Promise<ExitCode> {
  const { io, cwd, dir } = options;
  const tree = await openWorkingTree(cwd, dir);
  const { documents, problems } = await readGiven(options, options.filename);
  const applied: Applied[] = [];
  for (const given of documents) {
    const one = await applyOne(tree, scoped(given, options), applied);
    if ('problem' in one) problems.push(one.problem);
    else applied.push(one);
  }
  for (const one of problems) io.stderr(showProblem(io, one));
  if (problems.length > 0) {
    io.stderr('✗ nothing was changed\n');
    return ExitCodes.failed;
  }
  const changes = applied.map(({ change }) => change);
  return changeTree(options, tree, changes, options, found => relocate(found, applied));
}

interface Applied {
  given: GivenDocument;
  change: Change;
  after: ResourceFiles;
}

/** The scope given on the command line holds for documents that name none and whose kind may have it. */
function scoped(given: GivenDocument, { project, agent }: Pick<CommonOptions, 'project' | 'agent'>): GivenDocument {
  const { document } = given;
  const { metadata } = document;
  if (metadata.project !== undefined || metadata.agent !== undefined) return given;
  const scopes = findKind(document.kind)?.scopes ?? [];
  const owner = {
    ...(project !== undefined && scopes.includes('project') && { project }),
    ...(agent !== undefined && scopes.includes('agent') && { agent }),
  };
  return { ...given, document: { ...document, metadata: { ...metadata, ...owner } } };
}

async function applyOne(
  tree: WorkingTree,
  given: GivenDocument,
  before: readonly Applied[],
): Promise<Applied | { problem: Problem }> {
  const { document, place } = given;
  const { kind, metadata } = document;
  const target = targetOf(given);
  if ('problem' in target) return target;
  const { id, scope } = target;
  if (before.some(({ change }) => change.id === id)) {
    return { problem: problem('DUPLICATE_RESOURCE', `\`${id}\` is given twice`, { at: place([]) }) };
  }
  const previous = await filesOf(tree, id);
  const owner = previous.size === 0 ? (ownerFolder(tree, scope) ?? pendingOwner(before, scope)) : undefined;
  const result = fromDocument(document, previous, owner);
  if ('problems' in result) {
    const [first] = result.problems;
    const message = first?.message ?? `the ${kind} \`${metadata.name}\` cannot be written`;
    return { problem: { ...problem('FIELD_INVALID', message), ...first, at: place(['spec']) } };
  }
  const present = [...result.files].flatMap(([path, content]) => (content ? [[path, content] as const] : []));
  return { given, change: changeOf(id, previous, result.files, document), after: new Map(present) };
}

function targetOf({ document, place }: GivenDocument): { id: string; scope: Scope } | { problem: Problem } {
  const { kind, metadata } = document;
  try {
    const { id, scope } = resolveTarget(kind, metadata.name, metadata);
    return { id: id ?? resourceId('Repository', scope, metadata.name), scope };
  } catch (error) {
    return { problem: { ...asProblem(error), at: place(['metadata']) } };
  }
}

/** The folder of a project or agent that an earlier document of the same files creates. */
function pendingOwner(before: readonly Applied[], scope: Scope): string | undefined {
  const path = before.find(({ change }) => change.id === scope)?.change.files[0]?.path;
  return path?.slice(0, path.lastIndexOf('/'));
}

/** Where the mistake was made: in the document that was given, not in the file that would have been written. */
function relocate(found: Problem, applied: readonly Applied[]): Problem {
  const { at } = found;
  if (!at) return found;
  const origin = applied.find(({ after }) => after.has(at.file));
  const content = origin?.after.get(at.file);
  if (!origin || !content) return found;
  const { path, part } = pathInDocument(at, content.bytes) ?? { path: [], part: 'value' };
  return { ...found, at: origin.given.place(path, part) };
}
