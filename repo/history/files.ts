import {
  type AnyResource,
  assembleFiles,
  type ParsedFile,
  partsOfId,
  type ResourceId,
  resourceId,
  targetOf,
} from '../../schema/index.ts';
import { parseTree } from '../tree.ts';
import type { TreeFile } from '../tree-changes.ts';
import type { Oid } from '../types.ts';
import { parseTreeFiles } from '../worktree.ts';
import { gitPath, type History } from './history.ts';
import { mainFileAt, pathsOf } from './locate.ts';

const MAX_TREE_BYTES = 16 * 1024 * 1024;
const MAX_DEPTH = 16;
/** More resources than this are not read one by one. */
const MAX_RESOURCES = 2_000;

/** The files that a path is at a commit: the file itself, or every one below the folder; none when it is not there. */
export async function filesAt(history: History, commit: Oid, path: string): Promise<TreeFile[]> {
  const slash = path.lastIndexOf('/');
  const parent = gitPath(history, path.slice(0, Math.max(slash, 0)));
  const [found, tree] = await Promise.all([
    history.objects.info(`${commit}:${gitPath(history, path)}`),
    history.objects.contents(parent === '' ? `${commit}^{tree}` : `${commit}:${parent}`, MAX_TREE_BYTES),
  ]);
  if (!found || tree?.type !== 'tree' || !tree.bytes) return [];
  if (found.type === 'tree') return below(history, found.oid, path, 0);
  const mode = modeIn(tree.bytes, path.slice(slash + 1), found.oid);
  return mode === undefined ? [] : [{ path, mode, oid: found.oid }];
}

/** The mode of an entry of which name and object are known, so that a large tree need not be taken apart. */
function modeIn(tree: Buffer, name: string, oid: Oid): string | undefined {
  const entry = Buffer.concat([Buffer.from(` ${name}\0`), Buffer.from(oid, 'hex')]);
  const at = tree.indexOf(entry);
  return at === -1
    ? undefined
    : /\d{5,6}$/.exec(tree.toString('latin1', Math.max(0, at - 6), at))?.[0].padStart(6, '0');
}

async function below(history: History, tree: Oid, path: string, depth: number): Promise<TreeFile[]> {
  if (depth > MAX_DEPTH) return [];
  const entries = await entriesOf(history, tree);
  const found = await Promise.all(
    entries.map(async ({ name, readable, mode, oid }): Promise<TreeFile[]> => {
      const at = `${path}/${name}`;
      if (mode === '040000' && readable) return below(history, oid, at, depth + 1);
      const fault = readable ? {} : { fault: 'its name is not UTF-8 text without control characters' };
      return [{ path: at, mode, oid, ...fault }];
    }),
  );
  return found.flat();
}

async function entriesOf({ objects }: History, name: string) {
  const tree = await objects.contents(name, MAX_TREE_BYTES);
  return tree?.type === 'tree' && tree.bytes ? parseTree(tree.bytes, tree.oid.length / 2) : [];
}

/** Every file of a resource at a commit, by its main file. */
async function resourceFiles(history: History, commit: Oid, id: ResourceId, main: string): Promise<TreeFile[]> {
  const found = await Promise.all(pathsOf(id, main).map(path => filesAt(history, commit, path)));
  return found.flat();
}

/**
 * What a resource is at a commit, by itself: its digest, its problems; undefined when it is not there. What is kept of it
 * is for whoever looks at many to save, once.
 */
export async function parsedAt(
  history: History,
  commit: Oid,
  id: ResourceId,
  main: string,
): Promise<ParsedFile | undefined> {
  const files = await resourceFiles(history, commit, id, main);
  const past = await history.past();
  const whole = await assembleFiles(await parseTreeFiles(history.objects, files, past), undefined);
  const own = whole.find(file => file.path === main);
  if (!own || own.resource) return own;
  // What is wrong with any file of a bundle is what is wrong with the bundle.
  const problems = whole.filter(file => file.id === own.id).flatMap(file => file.problems);
  return { ...own, problems };
}

/**
 * The files of some resources at a commit and of all that these depend on, parsed; nothing else of the tree is read.
 * @returns undefined when that would not do: one of them is not there, or depends on what only the whole tree tells
 */
export async function readPart(
  history: History,
  commit: Oid,
  ids: readonly ResourceId[],
): Promise<ParsedFile[] | undefined> {
  const past = await history.past();
  const files = new Map<string, ParsedFile>();
  const seen = new Set<ResourceId>();
  const environments = await environmentNames(history, commit);
  let wanted: ResourceId[] = [...ids, 'repository/repository'];
  while (wanted.length > 0) {
    for (const id of wanted) seen.add(id);
    if (seen.size > MAX_RESOURCES) return undefined;
    const mains = await Promise.all(wanted.map(async id => ({ id, main: await mainOf(history, commit, id) })));
    if (ids.some(id => mains.some(one => one.id === id && one.main === undefined))) return undefined;
    const own = await Promise.all(mains.map(({ id, main }) => withPatches(history, commit, id, main, environments)));
    const parsed = await parseTreeFiles(history.objects, uniqueFiles(own.flat(), files), past);
    for (const file of parsed) files.set(file.path, file);
    const whole = await assembleFiles([...files.values()], undefined);
    const resources = whole.flatMap(({ resource }) => resource ?? []);
    if (resources.some(needsEverything)) return undefined;
    wanted = [...new Set(resources.flatMap(dependencies))].filter(id => !seen.has(id));
  }
  await past.save();
  return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function mainOf(history: History, commit: Oid, id: ResourceId): Promise<string | undefined> {
  const [kind, name] = id.split('/');
  return kind === 'lock' ? `locks/servers/${name}/package-lock.json` : mainFileAt(history, commit, id);
}

async function environmentNames(history: History, commit: Oid): Promise<string[]> {
  const entries = await entriesOf(history, `${commit}:${gitPath(history, 'environments')}`);
  return entries.filter(({ mode, readable }) => mode === '040000' && readable).map(({ name }) => name);
}

async function withPatches(
  history: History,
  commit: Oid,
  id: ResourceId,
  main: string | undefined,
  environments: readonly string[],
): Promise<TreeFile[]> {
  if (main === undefined) return [];
  const patches = environments.flatMap(name => pathsOf(id, main).map(path => `environments/${name}/${path}`));
  const found = await Promise.all([
    partsOfId(id) ? resourceFiles(history, commit, id, main) : filesAt(history, commit, main),
    ...patches.map(path => filesAt(history, commit, path)),
  ]);
  return found.flat();
}

function uniqueFiles(files: readonly TreeFile[], known: ReadonlyMap<string, unknown>): TreeFile[] {
  return [...new Map(files.map(file => [file.path, file])).values()].filter(({ path }) => !known.has(path));
}

/** Labels choose what a selector means, wherever it is; a server may be needed in one project only. */
function needsEverything(resource: AnyResource): boolean {
  if (resource.kind === 'Skill') return resource.spec.mcpServers.some(({ project }) => project !== undefined);
  return resource.kind === 'Project' && resource.spec.selector !== undefined;
}

function dependencies(resource: AnyResource): ResourceId[] {
  const { scope, kind, name, references } = resource;
  return [
    ...references.map(targetOf),
    ...(scope === 'global' ? [] : [scope]),
    ...(kind === 'Server' ? [resourceId('Lock', 'global', name)] : []),
  ];
}
