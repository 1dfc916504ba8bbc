import { basename } from 'node:path';
import {
  asProblem,
  type FileContent,
  formatPosition,
  type Problem,
  ProblemError,
  problem,
  toDocument,
} from '../../../schema/index.ts';
import { type Change, type ChangeOptions, changeOf, changeTree } from '../../change-tree.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { type CommonOptions, elsewhere, resolveTarget } from '../../kinds.ts';
import { done, showProblem } from '../../style.ts';
import { trailersOf, type Wishes } from '../../trailers.ts';
import { filesOf, openWorkingTree, problemsOf, type WorkingTree } from '../../working-tree.ts';
import { dropCopy, type EditedCopy, editText, makeCopy } from './editor.ts';

export interface EditOptions extends CliContext, CommonOptions, ChangeOptions, Wishes {
  kind: string;
  name?: string;
}

/** What begins a line that tells of a problem; such lines on top are not part of the file. */
const NOTE = '# mcpctl: ';

/**
 * Edit the file that declares a resource; of a bundle, its `SKILL.md`. Exits 1 when it is given up with problems. Whatever
 * comes in between, what was written is not lost: its copy is kept until it is taken over, and where is told.
 * @throws ProblemError USAGE, RESOURCE_NOT_FOUND, EDITOR_FAILED, and those of `openWorkingTree` and `changeTree`
 */
export async function runEdit(options: EditOptions): Promise<ExitCode> {
  const { io, cwd, dir, kind, name } = options;
  const target = resolveTarget(kind, name, options);
  const { id, row } = target;
  if (id === undefined) throw new ProblemError(problem('USAGE', 'a name is missing'));
  const trailers = trailersOf(options);
  const tree = await openWorkingTree(cwd, dir);
  const before = await filesOf(tree, id);
  const path = tree.files.find(file => file.id === id)?.path ?? '';
  const content = before.get(path);
  if (!content) {
    const ids = tree.files.map(file => file.id);
    const create = `Create it: mcpctl create ${row.singular}, or list what there is: mcpctl get ${row.plural}`;
    const hint = elsewhere(ids, target) ?? create;
    throw new ProblemError(problem('RESOURCE_NOT_FOUND', `there is no \`${id}\``, { hint }));
  }
  const original = textOf(content);
  const copy = await makeCopy(basename(path));
  const kept = (isKnown = (text: string) => withoutNotes(text) === original) => dropCopy(copy, isKnown);
  try {
    const edited = await editUntilValid(options, tree, copy, path, content);
    if (edited === content) done(io, `nothing was changed in ${path}`);
    const after = new Map([...before, [path, edited]]);
    const commit = options.commit === true || trailers.length > 0;
    const code = await changeTree(options, tree, [changed(id, before, after)], { ...options, commit, trailers });
    if (await kept(code === ExitCodes.ok ? () => true : undefined)) io.stderr(`  → ${keptIn(copy)}\n`);
    return code;
  } catch (error) {
    if (!(await kept())) throw error;
    const found = asProblem(error);
    throw new ProblemError({ ...found, hint: `${found.hint} ${keptIn(copy)}` }, { cause: error });
  }
}

function keptIn({ path }: EditedCopy): string {
  return `What was written is kept in ${path}`;
}

function textOf({ bytes }: FileContent): string {
  return Buffer.from(bytes).toString('utf8');
}

function changed(
  id: string,
  before: ReadonlyMap<string, FileContent>,
  after: ReadonlyMap<string, FileContent>,
): Change {
  const result = toDocument(after);
  const change = changeOf(id, before, after, 'document' in result ? result.document : undefined);
  return { ...change, op: change.files.length === 0 ? 'unchanged' : 'configured' };
}

/**
 * Open the editor until what is saved has no error, or is what it was.
 * @throws ProblemError EDITOR_FAILED also when it is saved empty, or unchanged after a problem was shown
 */
async function editUntilValid(
  context: CliContext,
  tree: WorkingTree,
  copy: EditedCopy,
  path: string,
  before: FileContent,
): Promise<FileContent> {
  const original = textOf(before);
  let shown = original;
  let errors: Problem[] = [];
  for (;;) {
    const saved = withoutNotes(await editText(context, copy, notes(errors, path) + shown));
    if (saved === original) return before;
    if (saved.trim() === '')
      throw gaveUp(`\`${path}\` was saved empty`, 'To remove a resource: mcpctl delete KIND NAME.');
    if (errors.length > 0 && saved === shown) {
      for (const one of errors) context.io.stderr(showProblem(context.io, one));
      throw gaveUp(`\`${path}\` was saved with the same problems again`, 'Correct it, and edit again.');
    }
    const content = { ...before, bytes: Buffer.from(saved) };
    const found = problemsOf(tree, [{ path, before, after: content }]);
    errors = found.filter(({ severity }) => severity === 'error');
    if (errors.length === 0) return content;
    shown = saved;
  }
}

function gaveUp(message: string, hint: string): ProblemError {
  return new ProblemError(problem('EDITOR_FAILED', message, { hint: `Nothing was changed. ${hint}` }));
}

/** The problems as lines on top, with the line numbers that the editor shows below them. */
function notes(errors: readonly Problem[], path: string): string {
  if (errors.length === 0) return '';
  const head = ['Correct what follows, or save it unchanged to give up. These lines are taken out.'];
  const lines = errors.length + head.length;
  const tell = ({ at, message, hint }: Problem) => {
    const here = at && at.file === path && at.line !== undefined ? { ...at, line: at.line + lines } : at;
    const where = here?.file === path ? formatPosition(here).slice(path.length + 1) : formatPosition(here);
    return `${where === '' ? '' : `${where}: `}${message} → ${hint}`.replaceAll(/[\r\n]+/g, ' ');
  };
  return [...head, ...errors.map(tell)].map(line => `${NOTE}${line}\n`).join('');
}

function withoutNotes(text: string): string {
  let rest = text;
  while (rest.startsWith(NOTE)) rest = rest.slice(rest.indexOf('\n') + 1 || rest.length);
  return rest;
}
