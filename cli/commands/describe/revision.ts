import {
  type Commit,
  compareFiles,
  type History,
  isShallow,
  type Origin,
  openHistory,
  originsOf,
  readLog,
  readPairs,
  resolveRevision,
  skillContext,
  type Touch,
  touchedBy,
} from '../../../repo/history/index.ts';
import { type Problem, problem, type Risk, visibleText } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { oneLine } from '../../output.ts';
import { historyFolder } from '../../repository-root.ts';
import { risksText } from '../../show-diff.ts';
import { paint, showProblem } from '../../style.ts';
import { table } from '../../table.ts';

export interface DescribeRevisionOptions extends CliContext {
  dir: string;
  revision: string;
  output: 'text' | 'json';
}

interface Told {
  commit: Commit;
  origin: Origin;
  touched: Touch[];
  risks: Risk[];
  problems: Problem[];
}

/**
 * Tell everything about one revision. JSON: `{ commit, parents, author, date, authoredAt, subject, message, trailers,
 * proposal?, approvers, merge?, resources: [{ id, op }], risks, problems }`.
 * @throws ProblemError REMOTE_NOT_FOUND, READ_FAILED, and those of `resolveRevision`
 */
export async function runDescribeRevision(options: DescribeRevisionOptions): Promise<ExitCode> {
  const { io, revision, output } = options;
  const history = await openHistory(historyFolder(options.cwd, options.dir), options.env);
  try {
    const told = await look(history, await resolveRevision(history, revision));
    io.stdout(output === 'json' ? json(told) : text(options, told));
    return ExitCodes.ok;
  } finally {
    history.close();
  }
}

async function look(history: History, oid: string): Promise<Told> {
  const [commit] = await readLog(history, { from: oid, args: ['--max-count=1', '--no-renames'] });
  if (!commit) throw new Error(`git log has no ${oid}`);
  const origins = await originsOf(history, await branchOf(history, oid), [commit]);
  const pairs = await readPairs(history, commit.files);
  const context = await skillContext(history, commit.parents[0] ?? oid, oid, commit.files);
  const { risks, problems } = compareFiles(pairs, context);
  const cut = commit.parents.length === 0 && (await isShallow(history));
  return {
    commit,
    origin: origins.get(oid) ?? { approvers: [] },
    touched: await touchedBy(history, commit),
    risks,
    problems: cut ? [...problems, problem('HISTORY_SHALLOW', 'what came before it is not here')] : problems,
  };
}

/** Where it was merged to is known from there; a commit that is not on the branch yet knows only itself. */
async function branchOf(history: History, oid: string): Promise<string> {
  const tip = await resolveRevision(history, 'HEAD');
  const output = await history.git(['merge-base', '--all', oid, tip]).catch(() => Buffer.from(''));
  return output.toString().split('\n').includes(oid) ? tip : oid;
}

function text({ io }: DescribeRevisionOptions, { commit, origin, touched, risks, problems }: Told): string {
  const facts = [
    ['Commit:', commit.commit],
    ['Author:', oneLine(`${commit.author.name} <${commit.author.email}>`)],
    ['Date:', commit.date],
    ...(commit.authoredAt === commit.date ? [] : [['Authored:', commit.authoredAt]]),
    ['Parents:', commit.parents.join(' ') || '-'],
    ['Proposal:', oneLine(origin.proposal ?? '') || '-'],
    ['Approved by:', oneLine(origin.approvers.join(', ')) || '-'],
  ];
  const heading = (words: string) => `\n${paint(io, 'bold', `${words}:`)}\n`;
  const changes = touched.map(({ op, id, main }) => [op, id, main]);
  return [
    table(facts),
    heading('Message'),
    visibleText(commit.message).replace(/^/gm, '  '),
    '\n',
    changes.length === 0 ? '' : `${heading('Resources')}${table(changes).replace(/^(?=.)/gm, '  ')}`,
    risks.length === 0 ? '' : `\n${risksText(io, risks).trimEnd()}\n`,
    problems.length === 0 ? '' : `${heading('Problems')}${problems.map(one => showProblem(io, one)).join('')}`,
  ].join('');
}

function json({ commit, origin, touched, risks, problems }: Told): string {
  const { files, ...facts } = commit;
  const resources = touched.map(({ id, op }) => ({ id, op }));
  return `${JSON.stringify({ ...facts, ...origin, resources, risks, problems }, undefined, 2)}\n`;
}
