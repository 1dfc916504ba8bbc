import { mcpctlHome } from '../../../host/index.ts';
import { localRefs, type Workspace } from '../../../repo/forges/index.ts';
import { classify, type FileContent, ProblemError, problem } from '../../../schema/index.ts';
import type { CliContext, ExitCode } from '../../context.ts';
import { type ForgeOptions, openForge } from '../../proposals/open-forge.ts';
import { propose } from '../../proposals/propose.ts';
import { changedFiles, installedSkill } from '../../sync/index.ts';

export interface AdoptOptions extends CliContext, ForgeOptions {
  name: string;
}

/**
 * Make what was edited in a skill on this disk a proposal, from a working tree of the repository, on top of what the
 * skill was installed from. stdout: its id.
 * @throws ProblemError RESOURCE_NOT_FOUND, PROPOSAL_INVALID when nothing was edited, and those of `propose`
 */
export async function runAdopt(options: AdoptOptions): Promise<ExitCode> {
  const { env, cwd, name } = options;
  const home = mcpctlHome(env);
  const skill = installedSkill(home, name, cwd);
  const edited = await changedFiles(home, name, cwd);
  if (edited.length === 0)
    throw new ProblemError(problem('PROPOSAL_INVALID', `nothing of \`${name}\` was edited here`));
  const open = await openForge(options, options);
  const base = await baseOf(open.workspace, skill.commit, skill.release !== undefined);
  const folder = await folderOf(open.workspace, open.root, base, skill.id);
  const changes = new Map<string, FileContent | null>(
    edited.map(({ path, after, executable }) => [
      `${folder}/${path}`,
      after ? { bytes: after, mode: executable ? '100755' : '100644' } : null,
    ]),
  );
  const title = `Adopt edits of the skill ${name}`;
  return propose(options, open, { changes, base, title, reason: undefined, session: env.MCPCTL_SESSION_ID });
}

/** What it was installed from, where the clone has that; else the branch as it is. A release’s parent is on the branch. */
async function baseOf(workspace: Workspace, commit: string, released: boolean): Promise<string> {
  for (const name of [`${commit}^{commit}${released ? '^1' : ''}`, localRefs.main]) {
    const result = await workspace.git(['rev-parse', '--quiet', '--verify', name]);
    const oid = result.stdout.toString().trim();
    if (result.code === 0 && oid !== '') return oid;
  }
  throw new ProblemError(problem('PROPOSAL_INVALID', `the clone does not have ${workspace.branch}`));
}

async function folderOf(workspace: Workspace, root: string, base: string, id: string): Promise<string> {
  const args = [`--work-tree=${root}`, 'ls-tree', '-r', '-z', '--name-only', base];
  const names = (await workspace.git(args)).stdout.toString().split('\0');
  const main = names.find(path => {
    const declared = classify(path);
    return declared.kind === 'resource' && declared.id === id;
  });
  if (main !== undefined) return main.slice(0, main.lastIndexOf('/'));
  throw new ProblemError(problem('RESOURCE_NOT_FOUND', `the repository has no \`${id}\` at ${base.slice(0, 7)}`));
}
