import {
  type DescribedRevision,
  describedDocument,
  describeRevision,
  openHistory,
  resolveRevision,
} from '../../../repo/history/index.ts';
import { visibleText } from '../../../schema/index.ts';
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

/**
 * Tell everything about one revision. JSON: `{ commit, parents, author, date, authoredAt, subject, message, trailers,
 * proposal?, approvers, merge?, resources: [{ id, op }], risks, problems }`.
 * @throws ProblemError REMOTE_NOT_FOUND, READ_FAILED, and those of `resolveRevision`
 */
export async function runDescribeRevision(options: DescribeRevisionOptions): Promise<ExitCode> {
  const { io, revision, output } = options;
  const history = await openHistory(historyFolder(options.cwd, options.dir), options.env);
  try {
    const told = await describeRevision(history, await resolveRevision(history, revision));
    io.stdout(output === 'json' ? `${JSON.stringify(describedDocument(told), undefined, 2)}\n` : text(options, told));
    return ExitCodes.ok;
  } finally {
    history.close();
  }
}

function text(
  { io }: DescribeRevisionOptions,
  { commit, origin, touched, risks, problems }: DescribedRevision,
): string {
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
    visibleText(commit.message).replace(/^(?=.)/gm, '  '),
    '\n',
    changes.length === 0 ? '' : `${heading('Resources')}${table(changes).replace(/^(?=.)/gm, '  ')}`,
    risks.length === 0 ? '' : `\n${risksText(io, risks).trimEnd()}\n`,
    problems.length === 0 ? '' : `${heading('Problems')}${problems.map(one => showProblem(io, one)).join('')}`,
  ].join('');
}
