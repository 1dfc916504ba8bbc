import { ProblemError, printYaml, problem, type ResourceDocument, type ResourceId } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { instanceNamed, listInstances } from '../../instances.ts';
import { resolveTarget } from '../../kinds.ts';
import { type Loaded, loadCatalog, type Place } from '../../load-catalog.ts';
import { formatListing, type ListFormat } from '../../output.ts';
import { referrers } from '../../relations.ts';
import { repositoryRoot } from '../../repository-root.ts';
import { showProblem } from '../../style.ts';
import { columnsFor } from './columns.ts';
import { parseSelector } from './labels.ts';
import { type Selected, type Selection, select } from './select.ts';

export interface GetOptions extends CliContext, Place, Omit<Selection, 'labels'> {
  selector?: string;
  watch?: boolean;
  stateDir?: string;
  output: ListFormat;
}

/**
 * List resources, or show those that are named. Exits 1 when a named one is not there or broken. What is broken is
 * listed too; why is told on stderr.
 * @throws ProblemError USAGE, and those of `loadCatalog`
 */
export async function runGet(options: GetOptions): Promise<ExitCode> {
  const { io, signal } = options;
  if (options.watch === true && options.at !== undefined) {
    throw new ProblemError(problem('USAGE', 'a commit never changes', { hint: 'Leave `--watch` or `--at` out.' }));
  }
  const instance = instanceNamed(options.kind, undefined);
  if (instance) {
    if (options.watch === true) {
      const hint = 'Use `mcpctl events --watch`.';
      throw new ProblemError(problem('USAGE', 'instances are not watched by `get`', { hint }));
    }
    const names = instance.name === undefined ? options.names : [instance.name, ...options.names];
    io.stdout(await listInstances(options, options, names, options.output));
    return ExitCodes.ok;
  }
  let last: Listed | undefined;
  async function show(): Promise<ExitCode> {
    const now = await list(options);
    if (now.text === last?.text && now.notices === last.notices) return now.code;
    io.stderr(now.notices);
    io.stdout(`${last ? separator(options.output) : ''}${now.text}`);
    last = now;
    return now.code;
  }
  if (options.watch !== true) return show();
  const { onChanges } = await import('./watch.ts');
  await onChanges(repositoryRoot(options.cwd, options.dir), signal, show);
  return ExitCodes.ok;
}

function separator(output: ListFormat): string {
  return output === 'yaml' ? '---\n' : '\n';
}

const none: ReadonlyMap<ResourceId, ResourceDocument> = new Map();

interface Listed {
  text: string;
  /** For stderr. */
  notices: string;
  code: ExitCode;
}

async function list(options: GetOptions): Promise<Listed> {
  const { io, output, selector } = options;
  const loaded = await loadCatalog(options, { ...options, ...onlyNamed(options) });
  const selected = select(loaded, { ...options, ...(selector !== undefined && { labels: parseSelector(selector) }) });
  const { items, missing, named } = selected;
  const problems = [...missing, ...items.flatMap(one => one.problems.filter(({ severity }) => severity === 'error'))];
  const notices = problems.map(found => showProblem(io, found)).join('');
  const nothing = items.length === 0 && missing.length === 0 ? 'nothing found\n' : '';
  const documents =
    output === 'json' || output === 'yaml'
      ? await (await import('../../documents.ts')).documentsOf(options, loaded, items, options)
      : none;
  const failed = missing.length > 0 || (named && items.some(({ resource }) => !resource));
  return {
    text: format(loaded, selected, documents, output),
    notices: `${notices}${nothing}`,
    code: failed ? ExitCodes.failed : ExitCodes.ok,
  };
}

/** What is told of resources that are named needs no other files, but for who uses them. */
function onlyNamed({ kind, names, output, ...where }: GetOptions): { only?: ResourceId[]; about?: ResourceId } {
  const targets = kind.includes('/') ? [undefined] : names;
  const ids = targets.flatMap(name => resolveTarget(kind, name, where).id ?? []);
  const [about] = ids;
  return { ...(output !== 'wide' && { only: ids }), ...(about !== undefined && ids.length === 1 && { about }) };
}

function format(
  loaded: Loaded,
  { items, mixed }: Selected,
  documents: ReadonlyMap<ResourceId, ResourceDocument>,
  output: ListFormat,
): string {
  const naming = referrers(loaded.catalog);
  // Each kind has columns of its own, so that a table of several kinds is several tables.
  const tables = mixed && (output === 'table' || output === 'wide');
  const groups = tables ? [...Map.groupBy(items, ({ row }) => row).values()] : [items];
  return groups
    .map(group =>
      formatListing(
        {
          items: group,
          columns: columnsFor(group, naming, mixed),
          name: ({ row, name }) => `${row.singular}/${name}`,
          document: ({ id }) => documents.get(id),
          yaml: printYaml,
        },
        output,
      ),
    )
    .join('\n');
}
