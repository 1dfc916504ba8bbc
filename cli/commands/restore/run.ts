import { type History, inPlace, openHistory, resolveRevision, restorable } from '../../../repo/history/index.ts';
import {
  type FileContent,
  ProblemError,
  problem,
  type ResourceFiles,
  type ResourceId,
  toDocument,
} from '../../../schema/index.ts';
import { type Change, type ChangeOptions, changeOf, changeTree } from '../../change-tree.ts';
import type { CliContext, ExitCode } from '../../context.ts';
import { type CommonOptions, resolveTarget } from '../../kinds.ts';
import { done, shortCommit } from '../../style.ts';
import { noteTrailer } from '../../trailers.ts';
import { filesOf, openWorkingTree } from '../../working-tree.ts';

export interface RestoreOptions extends CliContext, CommonOptions, ChangeOptions {
  kind: string;
  name?: string;
  revision: string;
  note?: string;
  force?: boolean;
}

/**
 * Write a resource as a revision had it. Exits 1 when that would bring errors about, such as references that no longer
 * resolve; with `force` they are told and it is done all the same.
 * @throws ProblemError USAGE, RESOURCE_NOT_FOUND, and those of `openWorkingTree`, `changeTree` and `resolveRevision`
 */
export async function runRestore(options: RestoreOptions): Promise<ExitCode> {
  const { io, cwd, dir, env, kind, name, revision, note } = options;
  const { id } = resolveTarget(kind, name, options);
  if (id === undefined) throw new ProblemError(problem('USAGE', 'the name of a resource is missing'));
  const trailers = note === undefined ? [] : [noteTrailer(note)];
  const tree = await openWorkingTree(cwd, dir);
  const history = await openHistory(tree.root, env);
  try {
    const { commit, files } = await contentAt(history, id, revision);
    const before = await filesOf(tree, id);
    const main = tree.files.find(file => file.id === id)?.path;
    const after = inPlace(files, main);
    const change = restored(id, before, after);
    if (change.files.length === 0) done(io, `${id} is as ${shortCommit(commit)} has it`);
    const isSaid = note !== undefined || options.commit === true || options.propose === true;
    const heading = `Restore ${id} as of ${shortCommit(commit)}`;
    return await changeTree(options, tree, [change], {
      ...options,
      commit: options.commit === true || note !== undefined,
      tolerate: options.force === true,
      message: options.message ?? (isSaid ? [heading, ...(options.propose ? [note ?? ''] : [])].join('\n') : undefined),
      trailers: [{ key: 'Restores' as const, value: commit }, ...trailers],
    });
  } finally {
    history.close();
  }
}

/** A resource's own files at a revision, whatever it was called then. A lock is made anew, not restored. */
async function contentAt(
  history: History,
  id: ResourceId,
  revision: string,
): Promise<{ commit: string; files: Map<string, FileContent> }> {
  const commit = await resolveRevision(history, revision, id);
  const files = await restorable(history, commit, id);
  if (files) return { commit, files };
  const hint = 'List its revisions with `mcpctl get revisions KIND NAME`.';
  throw new ProblemError(problem('RESOURCE_NOT_FOUND', `\`${id}\` is not there at ${revision}`, { hint }));
}

function restored(id: ResourceId, before: ResourceFiles, after: Map<string, FileContent>): Change {
  const kept = new Map<string, FileContent | null>();
  for (const [path, content] of after) {
    const old = before.get(path);
    kept.set(path, old && isSame(old, content) ? old : content);
  }
  for (const path of before.keys()) if (!after.has(path)) kept.set(path, null);
  const said = toDocument(after);
  const change = changeOf(id, before, kept, 'document' in said ? said.document : undefined);
  const op = change.files.length === 0 ? 'unchanged' : before.size === 0 ? 'created' : 'configured';
  return { ...change, op };
}

function isSame(a: FileContent, b: FileContent): boolean {
  return a.mode === b.mode && Buffer.from(a.bytes).equals(b.bytes);
}
