import {
  type Comparison,
  compareFiles,
  type FilePair,
  type History,
  mainFileAt,
  pathsOf,
  readPairs,
  treeFiles,
} from '../../../repo/history/index.ts';
import { type ParsedFile, partsOfId, type ResourceId } from '../../../schema/index.ts';
import type { CliContext } from '../../context.ts';
import { readFiles } from '../../read-files.ts';
import { repositoryRoot } from '../../repository-root.ts';
import { readContent } from '../../write-files.ts';
import type { Side } from './sides.ts';

/** Compare a commit with the working tree. @param id only this resource; undefined is returned when neither has it */
export async function toWorkingTree(
  context: Pick<CliContext, 'cwd' | 'env'> & { dir: string },
  history: History,
  { commit, held }: Side,
  id: ResourceId | undefined,
): Promise<Comparison | undefined> {
  const root = repositoryRoot(context.cwd, context.dir);
  const files = await readFiles(context, root);
  const places = id === undefined ? undefined : await placesOf(history, held?.get(id) ?? commit, files, id);
  const isMeant = (path: string) => places?.some(place => path === place || path.startsWith(`${place}/`)) ?? true;
  const before = new Map((await treeFiles(history, commit, held)).map(file => [file.path, file]));
  const now = new Map(files.map(file => [file.path, file]));
  const paths = [...new Set([...before.keys(), ...now.keys()])].filter(isMeant).sort();
  if (id !== undefined && paths.length === 0) return undefined;
  const pairs: FilePair[] = [];
  const same: FilePair[] = [];
  for (const path of paths) {
    const old = before.get(path);
    const mode = now.get(path)?.part?.file.mode;
    const isSame = old !== undefined && old.oid === now.get(path)?.oid && (mode === undefined || mode === old.mode);
    // What says what the files of a skill are for is needed though it stays.
    if (isSame && !path.endsWith('/skill.yaml')) continue;
    const [pair = { path }] = await readPairs(history, [{ path, before: old, after: undefined }]);
    const after = now.has(path) ? await readContent(root, path) : undefined;
    const whole = pair.unread ? { path, unread: { ...pair.unread, after: after?.bytes.length } } : { ...pair, after };
    if (isUnchanged(whole)) same.push(whole);
    else pairs.push(whole);
  }
  return compareFiles(pairs, same, history.past);
}

async function placesOf(
  history: History,
  commit: string,
  files: readonly ParsedFile[],
  id: ResourceId,
): Promise<string[]> {
  const mains = [await mainFileAt(history, commit, id), files.find(file => file.id === id && isMain(file, id))?.path];
  return [...new Set(mains.flatMap(main => (main === undefined ? [] : pathsOf(id, main))))];
}

/** Other files of a broken bundle have its id too. */
function isMain({ path }: ParsedFile, id: ResourceId): boolean {
  return partsOfId(id)?.row.form !== 'bundle' || path.endsWith('/SKILL.md');
}

function isUnchanged({ before, after }: FilePair): boolean {
  if (!before || !after) return before === after;
  return before.mode === after.mode && Buffer.from(before.bytes).equals(after.bytes);
}
