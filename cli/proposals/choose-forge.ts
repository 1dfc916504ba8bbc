import { policyOf } from '../../reconciler/index.ts';
import {
  createGitForge,
  type Forge,
  localRefs,
  openGithubForge,
  resolveCommit,
  type Workspace,
} from '../../repo/forges/index.ts';

export const forgeNames = ['git', 'github'] as const;
export type ForgeName = (typeof forgeNames)[number];

export interface ForgeChoice {
  /** The remote's address. */
  address: string;
  env: Readonly<Record<string, string | undefined>>;
  signal?: AbortSignal;
  /** By hand. */
  named?: ForgeName | undefined;
}

/**
 * Where proposals are reviewed: as said by hand; else as `review.forge` of the working tree's commit says; else at GitHub
 * when the remote is there and a token for it is at hand. Where the token goes is decided by the remote's address and by
 * who runs this, never by the repository.
 * @throws ProblemError FORGE_UNUSABLE
 */
export async function chooseForge(workspace: Workspace, choice: ForgeChoice): Promise<Forge> {
  const { address, env, signal } = choice;
  const name = choice.named ?? (await declaredForge(workspace));
  if (name === 'git') return createGitForge(workspace);
  const github = await openGithubForge(workspace, {
    remote: address,
    env,
    wanted: name === 'github',
    ...(signal && { signal }),
  });
  return github ?? createGitForge(workspace);
}

/** What the branch itself says, as it was last fetched; fetched now when it never was. */
async function declaredForge(workspace: Workspace): Promise<ForgeName | undefined> {
  if ((await resolveCommit(workspace, localRefs.main)) === undefined) await createGitForge(workspace).refresh();
  const file = workspace.path === '' ? 'mcpctl.yaml' : `${workspace.path}/mcpctl.yaml`;
  const { stdout } = await workspace.git(['cat-file', 'blob', `${localRefs.main}:${file}`]);
  // The whole repository is read only where it may say something.
  if (!/\bforge\b/.test(stdout.toString())) return undefined;
  return (await policyOf(workspace)).review?.forge;
}
