import type { Command } from 'commander';
import { Option } from 'commander';
import {
  type FileContent,
  type Problem,
  ProblemError,
  printYaml,
  problem,
  type ResourceDocument,
  type ResourceFiles,
} from '../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from './context.ts';
import { commonOptions } from './kinds.ts';
import { done, showProblem } from './style.ts';
import { type Trailer, withTrailers } from './trailers.ts';
import { problemsOf, type WorkingTree } from './working-tree.ts';
import { type FileChange, writeFiles } from './write-files.ts';

/** The options of every command that changes a working tree. */
export interface ChangeOptions {
  dryRun?: boolean;
  output?: 'name' | 'yaml' | 'json';
  commit?: boolean;
  /** Publish it as a proposal instead; the working tree stays as it is. */
  propose?: boolean;
  message?: string | undefined;
  /** At the end of the commit's message. */
  trailers?: readonly Trailer[];
  /** Carry it out even though it brings errors about. */
  tolerate?: boolean;
}

/** One resource that is changed. */
export interface Change {
  /** `server/memory`, or `project/demo/prompt/greet`. */
  id: string;
  op: 'created' | 'configured' | 'unchanged' | 'deleted';
  files: readonly FileChange[];
  /** What it is to be; undefined for one that is deleted. */
  document?: ResourceDocument;
}

/** Add `-p`, `-A`, `-C`, `--dry-run`, `-o`, `--commit`, `-m` and `--propose`. */
export function changeOptions(command: Command): Command {
  return commonOptions(command)
    .option('--dry-run', 'show what would change, and change nothing')
    .addOption(
      new Option('-o, --output <format>', 'what is printed of each resource')
        .choices(['name', 'yaml', 'json'])
        .default('name'),
    )
    .option('--commit', 'commit the files that were changed')
    .option('-m, --message <text>', 'the message of the commit (implies --commit), or the title of the proposal')
    .option('--propose', 'publish it as a proposal; the working tree stays as it is');
}

/**
 * What writing a resource comes to.
 * @param before its files as they are
 * @param after as they are to be; null for one that goes
 */
export function changeOf(
  id: string,
  before: ResourceFiles,
  after: ReadonlyMap<string, FileContent | null>,
  document?: ResourceDocument,
): Change {
  const files = [...after]
    .map(([path, content]) => ({ path, before: before.get(path), after: content }))
    .filter(({ before: old, after: now }) => old !== (now ?? undefined));
  const op = !document ? 'deleted' : before.size === 0 ? 'created' : files.length === 0 ? 'unchanged' : 'configured';
  return { id, op, files, ...(document && { document }) };
}

/**
 * Check changes of a working tree, show them, and carry them out: all or none. stdout: each resource with what was done
 * (`-o name`), or as a document; stderr: the difference, warnings, the next step.
 * @param relocate where a problem stands in what the user gave
 * @returns 1 when the changes would bring an error about
 * @throws ProblemError COMMIT_FAILED, FILE_NOT_REGULAR, FILE_CHANGED
 */
export async function changeTree(
  context: CliContext,
  tree: WorkingTree,
  changes: readonly Change[],
  options: ChangeOptions,
  relocate: (found: Problem) => Problem = found => found,
): Promise<ExitCode> {
  const { io } = context;
  const files = changes.flatMap(change => change.files);
  const found = problemsOf(tree, files).map(relocate);
  for (const one of found) io.stderr(showProblem(io, one));
  const errors = found.filter(({ severity }) => severity === 'error').length;
  if (errors > 0 && options.tolerate !== true) {
    io.stderr(`✗ nothing was changed: ${errors === 1 ? 'one error' : `${errors} errors`}\n`);
    return ExitCodes.failed;
  }
  if (files.length > 0) {
    const { diffText } = await import('./diff-text.ts');
    io.stderr(diffText(io, files));
  }
  if (options.propose === true && options.dryRun !== true && files.length > 0) {
    const { proposeChanges } = await import('./proposals/propose-changes.ts');
    const title = options.message ?? messageFor(changes);
    return proposeChanges(context, tree.root, files, title, options.trailers);
  }
  const commits = (options.commit === true || options.message !== undefined) && options.dryRun !== true;
  if (commits) await refuseUncommitted(context, tree, files);
  if (options.dryRun !== true) await writeFiles(tree.root, files);
  io.stdout(summary(changes, options));
  if (options.dryRun === true || files.length === 0) return ExitCodes.ok;
  if (commits) {
    const { commitFiles } = await import('./commit-files.ts');
    const paths = files.map(({ path }) => path);
    const message = withTrailers(options.message ?? messageFor(changes), options.trailers ?? []);
    const commit = await commitFiles(context, tree.root, paths, message);
    done(io, `committed as ${commit}`);
  } else {
    io.stderr('→ See what it does with `mcpctl plan`, then commit it.\n');
  }
  return ExitCodes.ok;
}

/** A commit is of whole files: what somebody else changed in them is not to slip in. */
async function refuseUncommitted(
  context: CliContext,
  { root }: WorkingTree,
  files: readonly FileChange[],
): Promise<void> {
  const { uncommitted } = await import('./commit-files.ts');
  const dirty = await uncommitted(
    context,
    root,
    files.map(({ path }) => path),
  );
  const [first] = dirty;
  if (first === undefined) return;
  const hint = 'Commit or undo those changes first, or leave --commit out.';
  throw new ProblemError(problem('COMMIT_FAILED', `\`${first}\` has changes that are not committed`, { hint }));
}

function summary(changes: readonly Change[], { output = 'name', dryRun }: ChangeOptions): string {
  if (output === 'name') {
    return changes.map(({ id, op }) => `${id} ${op}${dryRun === true ? ' (dry run)' : ''}\n`).join('');
  }
  const documents = changes.flatMap(({ document }) => document ?? []);
  if (output === 'yaml') return documents.map(printYaml).join('---\n');
  return `${JSON.stringify(documents, undefined, 2)}\n`;
}

const verbs = { created: 'Create', configured: 'Change', deleted: 'Delete', unchanged: 'Keep' } as const;

function messageFor(changes: readonly Change[]): string {
  const real = changes.filter(({ op }) => op !== 'unchanged');
  const [first] = real;
  if (first && real.length === 1) return `${verbs[first.op]} ${first.id}`;
  return `Change ${real.length} resources\n\n${real.map(({ id, op }) => `${verbs[op]} ${id}`).join('\n')}`;
}
