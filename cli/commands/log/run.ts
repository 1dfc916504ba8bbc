import {
  type Commit,
  commitsOfProposal,
  type History,
  isShallow,
  type Origin,
  openHistory,
  readLog,
  resolveRevision,
  type Touch,
  touchedBy,
  trailer,
  withOrigins,
} from '../../../repo/history/index.ts';
import { type KindRow, ProblemError, partsOfId, printYaml, problem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { type CommonOptions, kindNamed } from '../../kinds.ts';
import { type Column, formatListing, type ListFormat } from '../../output.ts';
import { historyFolder } from '../../repository-root.ts';
import { shortCommit, showProblem } from '../../style.ts';

export interface LogOptions extends CliContext, CommonOptions {
  kind?: string;
  author?: string;
  proposal?: string;
  at: string;
  limit: string;
  output: ListFormat;
}

/** A commit and what it did. */
interface Entry extends Commit {
  touched: Touch[];
  origin: Origin;
}

/** Commits that are asked for at once; what is filtered here makes more of them needed. */
const PAGE = 200;

/**
 * List commits that changed resources. JSON: a list of `{ commit, author, date, authoredAt, note, proposal?, resources:
 * [{ id, op }], trailers }`.
 * @throws ProblemError USAGE, REMOTE_NOT_FOUND, READ_FAILED, and those of `resolveRevision`
 */
export async function runLog(options: LogOptions): Promise<ExitCode> {
  const { io, env, output } = options;
  if (!/^[1-9]\d{0,6}$/.test(options.limit)) throw usage(`\`--limit\` takes a number above 0, not ${options.limit}`);
  if (options.proposal !== undefined && !/^[A-Za-z0-9][A-Za-z0-9-]{0,127}$/.test(options.proposal)) {
    throw usage(`\`${options.proposal}\` is no proposal’s id`);
  }
  const history = await openHistory(historyFolder(options.cwd, options.dir), env);
  try {
    const items = await entries(options, history, Number(options.limit));
    io.stdout(formatListing({ items, columns, name: ({ commit }) => commit, document, yaml: printYaml }, output));
    if (await isShallow(history)) io.stderr(showProblem(io, problem('HISTORY_SHALLOW', 'older commits are not shown')));
    return ExitCodes.ok;
  } finally {
    history.close();
  }
}

async function entries(options: LogOptions, history: History, limit: number): Promise<Entry[]> {
  const isNewest = options.at === 'HEAD' && options.proposal === undefined;
  // The branch itself needs no name.
  const from = isNewest ? history.tip : await resolveRevision(history, options.at);
  const row = options.kind === undefined ? undefined : kindNamed(options.kind);
  const author =
    options.author === undefined ? [] : ['--fixed-strings', '--regexp-ignore-case', `--author=${options.author}`];
  const paths = pathspecsOf(history, row);
  const found: (Commit & { touched: Touch[] })[] = [];
  const listed: Commit[] = [];
  const ids = options.proposal === undefined ? undefined : await commitsOfProposal(history, from, options.proposal);
  const page = row || options.project !== undefined || options.agent !== undefined ? PAGE : Math.min(limit, PAGE);
  for (let skip = 0; found.length < limit && (ids === undefined || skip < ids.length); skip += page) {
    const asked = ids?.slice(skip, skip + page);
    const args = ['--no-renames', ...author, ...(asked ? exactly(asked) : pageAt(skip, page))];
    const commits = await readLog(history, { from: asked?.at(-1) ?? from, paths, args }).catch(async error => {
      // A branch without a commit is told as what it is.
      await resolveRevision(history, options.at);
      throw error;
    });
    listed.push(...commits);
    for (const commit of commits) {
      const touched = (await touchedBy(history, commit)).filter(touch => isMeant(options, row, touch));
      if (touched.length > 0 && found.length < limit) found.push({ ...commit, touched });
    }
    if (!ids && commits.length < page) break;
  }
  const isWhole = isNewest && paths.length === 0 && author.length === 0;
  return withOrigins(history, found, ids ? undefined : { commits: listed, isNewest: isWhole });
}

/** The last one is asked for by itself. */
function exactly(ids: readonly string[]): string[] {
  return ['--no-walk=unsorted', ...ids.slice(0, -1)];
}

/** No commit before those that it is the parent of, also where two are of the same second. */
function pageAt(skip: number, size: number): string[] {
  return ['--date-order', `--max-count=${size}`, `--skip=${skip}`];
}

/** Where a kind’s files are; git reads nothing else then. */
function pathspecsOf({ path }: History, row: KindRow | undefined): string[] {
  const below = path === '' ? '' : `${path}/`;
  const place = (glob: string) => `:(top,glob)${below.replace(/[\\*?[\]]/g, '\\$&')}${glob}`;
  if (!row) return path === '' ? [] : [`:(top,literal)${path}`];
  if (row.form === 'file') return [place('mcpctl.yaml')];
  const scopes = row.scopes.flatMap(scope => (scope === 'global' ? [''] : [`${scope}s/**/`]));
  return scopes.map(scope => place(`${scope}${row.folder}/**`));
}

function isMeant({ project, agent }: LogOptions, row: KindRow | undefined, { id }: Touch): boolean {
  const parts = partsOfId(id);
  const scope = project !== undefined ? `project/${project}` : agent !== undefined ? `agent/${agent}` : undefined;
  return (!row || parts?.row === row) && (scope === undefined || id === scope || parts?.scope === scope);
}

const columns: Column<Entry>[] = [
  { header: 'COMMIT', cell: ({ commit }) => shortCommit(commit) },
  { header: 'DATE', cell: ({ date }) => date.slice(0, 10) },
  { header: 'AUTHOR', cell: ({ author }) => author.name },
  { header: 'PROPOSAL', cell: ({ origin }) => origin.proposal ?? '' },
  { header: 'RESOURCES', cell: ({ touched }) => resources(touched, 3) },
  { header: 'ALL-RESOURCES', wide: true, cell: ({ touched }) => resources(touched, touched.length) },
  { header: 'NOTE', cell: entry => trailer(entry, 'Note') ?? entry.subject },
];

const signs = { created: '+', changed: '~', deleted: '-' } as const;

function resources(touched: readonly Touch[], most: number): string {
  const shown = touched.slice(0, most).map(({ id, op }) => `${signs[op]}${id}`);
  return [...shown, ...(touched.length > most ? [`${touched.length - most} more`] : [])].join(' ');
}

function document(entry: Entry): unknown {
  const { commit, author, date, authoredAt, touched, trailers } = entry;
  const { proposal } = entry.origin;
  return {
    commit,
    author,
    date,
    authoredAt,
    note: trailer(entry, 'Note') ?? entry.subject,
    ...(proposal !== undefined && { proposal }),
    resources: touched.map(({ id, op }) => ({ id, op })),
    trailers,
  };
}

function usage(message: string): ProblemError {
  return new ProblemError(problem('USAGE', message));
}
