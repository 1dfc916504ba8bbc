import {
  type AnyResource,
  assembleFiles,
  type Catalog,
  compareText,
  type KindRow,
  kindTable,
  link,
  type ParsedFile,
  type Problem,
  ProblemError,
  partsOfId,
  type ResourceId,
  type Scope,
  sortProblems,
} from '../schema/index.ts';
import type { CliContext } from './context.ts';
import { type At, readFiles, readSome } from './read-files.ts';
import { historyFolder, repositoryRoot } from './repository-root.ts';

/** One declared thing, whether or not its file is any good. */
export interface Declared {
  id: ResourceId;
  row: KindRow;
  scope: Scope;
  name: string;
  /** Below the repository's root folder. */
  file: string;
  /** Undefined when the file is broken. */
  resource: AnyResource | undefined;
  /** What its main file says, patches merged; where that is known. */
  written: unknown;
  /** What is wrong with it, by itself and in the catalog; warnings too. */
  problems: Problem[];
}

/** A repository as the reading commands see it. */
export interface Loaded {
  /** Absolute. */
  root: string;
  /** Every file, before patches are merged and bundles put together. */
  files: readonly ParsedFile[];
  catalog: Catalog;
  /** Everything that a person declares, in the order of lists: by kind, scope, name. */
  declared: Declared[];
  /** All problems, in stable order. */
  problems: Problem[];
}

/** Which state of which repository is meant. */
export interface Place extends At {
  /** A folder of the working tree, from `cwd`; or, with `at`, any folder inside a git repository. */
  dir: string;
  /** Whose patches take effect. */
  environment?: string;
  /** With `at`: nothing else need be read, as long as what is told of these is the same. */
  only?: readonly ResourceId[];
}

/**
 * Read and link a repository as it is in the working tree or at a commit.
 * @throws ProblemError ENVIRONMENT_UNKNOWN, REPOSITORY_MISSING, REMOTE_NOT_FOUND, READ_FAILED, and those of `readFiles`
 */
export async function loadCatalog(context: Pick<CliContext, 'cwd' | 'env'>, place: Place): Promise<Loaded> {
  const { cwd } = context;
  const { dir, at, environment } = place;
  const root = at === undefined ? repositoryRoot(cwd, dir) : historyFolder(cwd, dir);
  const files = (await someFiles(context, root, place)) ?? (await readFiles(context, root, place));
  const whole = await assembleFiles(files, environment);
  const resources = whole.flatMap(({ resource }) => resource ?? []);
  const broken = whole.flatMap(({ id, resource }) => (id !== undefined && !resource ? [id] : []));
  const { catalog, problems } = link(resources, broken);
  const all = sortProblems([...whole.flatMap(file => file.problems), ...problems]);
  const unknown = all.find(({ code, at: where }) => code === 'ENVIRONMENT_UNKNOWN' && where?.file === 'environments');
  if (unknown) throw new ProblemError(unknown);
  return { root, files, catalog, declared: declaredIn(whole, catalog, all), problems: all };
}

async function someFiles(
  context: Pick<CliContext, 'env'>,
  root: string,
  { at, about, only, environment }: Place,
): Promise<ParsedFile[] | undefined> {
  if (at === undefined || only === undefined || only.length === 0 || environment !== undefined) return undefined;
  return readSome(context, root, { at, about }, only);
}

/** Whether something stands against it. */
export function isBroken({ resource, problems }: Declared): boolean {
  return resource === undefined || problems.some(({ severity }) => severity === 'error');
}

function declaredIn(files: readonly ParsedFile[], catalog: Catalog, problems: readonly Problem[]): Declared[] {
  const about = Map.groupBy(problems, ({ resource }) => resource ?? '');
  const declared = new Map<ResourceId, Declared>();
  for (const { id, path, written } of files) {
    const parts = id === undefined ? undefined : partsOfId(id);
    if (id === undefined || !parts || declared.has(id)) continue;
    const resource = catalog.get(id);
    declared.set(id, { id, ...parts, file: resource?.file ?? path, resource, written, problems: about.get(id) ?? [] });
  }
  return [...declared.values()].sort(
    (a, b) =>
      kindTable.indexOf(a.row) - kindTable.indexOf(b.row) ||
      compareScopes(a.scope, b.scope) ||
      compareText(a.name, b.name),
  );
}

/** What is global comes first. */
function compareScopes(a: Scope, b: Scope): number {
  return Number(a !== 'global') - Number(b !== 'global') || compareText(a, b);
}
