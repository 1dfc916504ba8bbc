import { randomBytes } from 'node:crypto';
import { type FileContent, ProblemError, problem } from '../../schema/index.ts';
import { lastWords } from '../git.ts';
import type { Oid } from '../types.ts';
import type { Workspace } from './workspace.ts';

/** What is to become of a file, by its path from the top of the git repository; null removes it. */
export type TreeChanges = ReadonlyMap<string, FileContent | null>;

const MAX_PROPOSAL_BYTES = 32 * 1024 * 1024;

/**
 * The tree of a commit with files changed, written to the object store; no working tree and no index is touched.
 * @throws ProblemError PROPOSAL_INVALID when it is too large, or changes nothing
 */
export async function treeWith(workspace: Workspace, base: Oid, changes: TreeChanges): Promise<Oid> {
  let bytes = 0;
  for (const content of changes.values()) bytes += content?.bytes.length ?? 0;
  if (bytes > MAX_PROPOSAL_BYTES) {
    const message = `it has ${bytes} bytes of files; a proposal may have ${MAX_PROPOSAL_BYTES}`;
    throw new ProblemError(problem('PROPOSAL_INVALID', message));
  }
  const ref = `refs/mcpctl/drafts/${randomBytes(8).toString('hex')}`;
  const result = await workspace.git(['fast-import', '--quiet', '--done', '--date-format=raw'], {
    input: importStream(ref, base, changes),
  });
  if (result.code !== 0) throw failed('git fast-import', lastWords(result, []));
  const tree = await oidOf(workspace, `${ref}^{tree}`);
  await workspace.git(['update-ref', '-d', ref]);
  if (tree === (await oidOf(workspace, `${base}^{tree}`))) {
    throw new ProblemError(problem('PROPOSAL_INVALID', 'there is nothing to propose: it changes no file'));
  }
  return tree;
}

/** Write a commit as the user: identity and signing are theirs. */
export async function commitTree(
  workspace: Workspace,
  tree: Oid,
  parents: readonly Oid[],
  message: string,
): Promise<Oid> {
  const sign = (await workspace.setting('commit.gpgsign')) ?? 'false';
  // What git takes for true; see git-config(1).
  const flags = /^(?:|true|yes|on|[1-9]\d*)$/i.test(sign) ? ['-S'] : [];
  const args = ['commit-tree', ...flags, ...parents.flatMap(parent => ['-p', parent]), '-F', '-', tree];
  const result = await workspace.git(args, { input: message });
  if (result.code !== 0) throw failed('git commit-tree', lastWords(result, []));
  return result.stdout.toString().trim();
}

/**
 * What merging gives: the tree, or the files in conflict.
 * @see git-merge-tree(1)
 */
export async function mergeTree(
  workspace: Workspace,
  ours: Oid,
  theirs: Oid,
): Promise<{ tree: Oid } | { conflicts: string[] }> {
  const args = ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', ours, theirs];
  const result = await workspace.git(args);
  const [tree = '', ...paths] = result.stdout.toString().split('\0');
  if (result.code === 0) return { tree };
  if (result.code === 1) return { conflicts: [...new Set(paths.filter(path => path !== ''))] };
  throw failed('git merge-tree', lastWords(result, []));
}

/** A stream for git-fast-import(1): one commit on a ref of its own, for its tree. */
function importStream(ref: string, base: Oid, changes: TreeChanges): Buffer {
  const parts: Buffer[] = [
    Buffer.from(`commit ${ref}\ncommitter draft <draft@localhost> 0 +0000\ndata 0\nfrom ${base}\n`),
  ];
  for (const [path, content] of changes) {
    if (!content) {
      parts.push(Buffer.from(`D ${quoted(path)}\n`));
      continue;
    }
    parts.push(Buffer.from(`M ${content.mode} inline ${quoted(path)}\ndata ${content.bytes.length}\n`));
    parts.push(Buffer.from(content.bytes), Buffer.from('\n'));
  }
  parts.push(Buffer.from('done\n'));
  return Buffer.concat(parts);
}

/** A path as fast-import takes it. @throws ProblemError for one that no tree of ours may have */
function quoted(path: string): string {
  if (path === '' || /[\0\n\r]/.test(path) || path.split('/').some(part => /^(?:|\.|\.\.|\.git)$/i.test(part))) {
    throw new ProblemError(problem('PROPOSAL_INVALID', `\`${path}\` cannot be a path in a repository`));
  }
  return `"${path.replace(/["\\]/g, '\\$&')}"`;
}

async function oidOf(workspace: Workspace, name: string): Promise<Oid> {
  const result = await workspace.git(['rev-parse', '--verify', '--end-of-options', name]);
  if (result.code !== 0) throw failed('git rev-parse', lastWords(result, []));
  return result.stdout.toString().trim();
}

function failed(what: string, words: string): ProblemError {
  return new ProblemError(problem('COMMIT_FAILED', `${what}: ${words}`));
}
