import { mcpctlHome } from '../host/index.ts';
import { findRepository } from '../repo/index.ts';
import {
  chainFrom,
  type MachineTrust,
  type RootChain,
  readRootDocuments,
  readTrust,
  type Workshop,
} from '../repo/trust/index.ts';
import { type Problem, ProblemError, problem, type Resource } from '../schema/index.ts';
import type { CliContext } from './context.ts';
import { type Loaded, loadCatalog } from './load-catalog.ts';
import { type OwnGit, ownGit } from './own-git.ts';
import { repositoryRoot } from './repository-root.ts';

/** The working tree that somebody releases from, at the commit that counts: `HEAD`. */
export interface ReleasePlace {
  /** The folder that has `mcpctl.yaml`. */
  root: string;
  workshop: Workshop;
  git: OwnGit;
  head: string;
  loaded: Loaded;
  repository: Resource<'Repository'>;
  /** What this machine trusts for the repository, if a root is pinned. */
  trust: MachineTrust | undefined;
}

/**
 * @throws ProblemError REPOSITORY_MISSING, REF_NOT_FOUND, and the first error of the commit: what is not valid is not
 * released
 */
export async function openPlace(context: CliContext, dir = '.', commit = 'HEAD'): Promise<ReleasePlace> {
  const { cwd, env } = context;
  const root = repositoryRoot(cwd, dir);
  const git = ownGit(context, root);
  const { gitDir, path } = await findRepository(root, env);
  const head = await git.run(['rev-parse', '--verify', `${commit}^{commit}`], 'REF_NOT_FOUND');
  const loaded = await loadCatalog({ cwd: root, env }, { dir: '.', at: head });
  const { repository } = loaded.catalog;
  const errors = loaded.problems.filter(({ severity }) => severity === 'error');
  if (!repository || errors.length > 0) throw new ProblemError(errorOf(errors, head));
  const trust = await readTrust(mcpctlHome(env), repository.spec.id);
  return { root, workshop: { gitDir, path, env }, git, head, loaded, repository, trust };
}

function errorOf([first, ...more]: readonly Problem[], head: string): Problem {
  if (!first) return problem('REPOSITORY_MISSING', `the commit ${head.slice(0, 7)} has no \`mcpctl.yaml\``);
  const others = more.length === 0 ? '' : ` (and ${more.length} more; see \`mcpctl validate\`)`;
  return { ...first, message: `${first.message}${others}` };
}

/** The chain at `HEAD`: from this machine's pin on, or from version 1. @throws ProblemError ROOT_MISSING, ROOT_INVALID */
export async function chainAtHead({ workshop, head, trust }: ReleasePlace): Promise<RootChain> {
  return chainFrom(await readRootDocuments(workshop, head), { pinned: trust?.chain });
}
