import { localRefs, type TreeChanges, type Workspace } from '../../repo/forges/index.ts';
import {
  type FileContent,
  findKind,
  fromDocument,
  type ParsedFile,
  type Problem,
  problem,
  type ResourceDocument,
  type ResourceId,
  resourceId,
  type Scope,
} from '../../schema/index.ts';

const MAX_FILE_BYTES = 8 * 1024 * 1024;

/**
 * The files that documents come to, beside what the branch has now.
 * @param gone resources that are to be deleted
 */
export async function changesFromDocuments(
  workspace: Workspace,
  files: readonly ParsedFile[],
  documents: readonly ResourceDocument[],
  gone: readonly ResourceId[],
): Promise<{ changes: TreeChanges } | { problems: Problem[] }> {
  const changes = new Map<string, FileContent | null>();
  const problems: Problem[] = [];
  for (const document of documents) {
    const { id, scope } = placeOf(document);
    const result = fromDocument(document, await contentsOf(workspace, files, id), ownerFolder(files, scope));
    if ('problems' in result) problems.push(...result.problems);
    else for (const [path, content] of result.files) changes.set(path, content);
  }
  for (const id of gone) {
    const paths = pathsOf(files, id);
    if (paths.length === 0) problems.push(problem('RESOURCE_NOT_FOUND', `there is no \`${id}\``));
    for (const path of paths) changes.set(path, null);
  }
  return problems.length > 0 ? { problems } : { changes };
}

function placeOf({ kind, metadata: { name, project, agent } }: ResourceDocument): { id: ResourceId; scope: Scope } {
  const row = findKind(kind);
  const scope: Scope = project !== undefined ? `project/${project}` : agent !== undefined ? `agent/${agent}` : 'global';
  return { scope, id: row ? resourceId(row.kind, scope, row.form === 'file' ? row.singular : name) : '' };
}

function pathsOf(files: readonly ParsedFile[], id: ResourceId): string[] {
  const main = files.find(file => file.id === id)?.path;
  if (main === undefined) return [];
  const folder = main.endsWith('/SKILL.md') ? main.slice(0, -'SKILL.md'.length) : undefined;
  return folder === undefined ? [main] : files.map(({ path }) => path).filter(path => path.startsWith(folder));
}

async function contentsOf(
  workspace: Workspace,
  files: readonly ParsedFile[],
  id: ResourceId,
): Promise<Map<string, FileContent>> {
  const contents = new Map<string, FileContent>();
  for (const path of pathsOf(files, id)) {
    const full = workspace.path === '' ? path : `${workspace.path}/${path}`;
    const entry = await workspace.git(['ls-tree', '-z', localRefs.main, '--', full]);
    const blob = await workspace.git(['cat-file', 'blob', `${localRefs.main}:${full}`], {
      maxOutputBytes: MAX_FILE_BYTES,
    });
    const mode = entry.stdout.toString().startsWith('100755') ? '100755' : '100644';
    if (blob.code === 0) contents.set(path, { bytes: blob.stdout, mode });
  }
  return contents;
}

function ownerFolder(files: readonly ParsedFile[], scope: Scope): string | undefined {
  const owner = files.find(({ id }) => id === scope);
  return owner?.path.slice(0, owner.path.lastIndexOf('/'));
}
