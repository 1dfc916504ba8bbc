import {
  type BlamedLine,
  blameOf,
  mainFileAt,
  openHistory,
  repositoryFiles,
  resolveRevision,
} from '../../../repo/history/index.ts';
import { classify, ProblemError, problem, visibleLine } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { type CommonOptions, elsewhere, resolveTarget } from '../../kinds.ts';
import { oneLine } from '../../output.ts';
import { historyFolder } from '../../repository-root.ts';
import { shortCommit } from '../../style.ts';
import { table } from '../../table.ts';

export interface BlameOptions extends CliContext, CommonOptions {
  kind: string;
  name?: string;
  at: string;
  file?: string;
  output: 'table' | 'json';
}

/**
 * Tell of each line who made it so. JSON: `{ id, path, lines: [{ line, commit, author, date, proposal?, approvers,
 * signed?, text }] }`: signed when the statements of those who approved hold.
 * @throws ProblemError USAGE, RESOURCE_NOT_FOUND, READ_FAILED, and those of `resolveRevision`
 */
export async function runBlame(options: BlameOptions): Promise<ExitCode> {
  const { io, kind, name, at, file, output } = options;
  const target = resolveTarget(kind, name, options);
  const { id, row } = target;
  if (id === undefined) throw new ProblemError(problem('USAGE', 'the name of a resource is missing'));
  if (file !== undefined && row.form !== 'bundle') throw new ProblemError(problem('USAGE', '`--file` is for skills'));
  const history = await openHistory(historyFolder(options.cwd, options.dir), options.env);
  try {
    const commit = await resolveRevision(history, at, id);
    const main = await mainFileAt(history, commit, id);
    if (main === undefined) {
      const files = (await repositoryFiles(history, commit)).map(path => classify(path));
      const ids = files.map(file => (file.kind === 'resource' ? file.id : undefined));
      const hint = elsewhere(ids, target) ?? 'List what is gone with `mcpctl get revisions --deleted`.';
      throw new ProblemError(problem('RESOURCE_NOT_FOUND', `\`${id}\` is not there at ${at}`, { hint }));
    }
    const path = file === undefined ? main : main.replace(/SKILL\.md$/, file);
    const lines = await blameOf(history, commit, path);
    io.stdout(output === 'json' ? json(id, path, lines) : text(lines));
    return ExitCodes.ok;
  } finally {
    history.close();
  }
}

function text(lines: readonly BlamedLine[]): string {
  const rows = lines.map(({ line, commit, origin, text: said }) => [
    shortCommit(commit.commit),
    commit.date.slice(0, 10),
    oneLine(commit.author.name),
    oneLine(origin.proposal ?? '') || '-',
    oneLine(origin.approvers.join(', ')) || '-',
    String(line),
    visibleLine(said.replaceAll('\t', '  ')),
  ]);
  return table([['COMMIT', 'DATE', 'AUTHOR', 'PROPOSAL', 'APPROVER', 'LINE', 'TEXT'], ...rows]);
}

function json(id: string, path: string, lines: readonly BlamedLine[]): string {
  const all = lines.map(({ line, text: said, commit: { commit, author, date }, origin }) => ({
    line,
    commit,
    author,
    date,
    ...(origin.proposal !== undefined && { proposal: origin.proposal }),
    approvers: origin.approvers,
    ...(origin.signed && { signed: true }),
    text: said,
  }));
  return `${JSON.stringify({ id, path, lines: all }, undefined, 2)}\n`;
}
