import { declaredLogin, policyOf, type SecretSources } from '../../reconciler/index.ts';
import { type Branches, createGitForge, type Forge, openGithubForge, type Workspace } from '../../repo/forges/index.ts';
import type { Snapshots } from '../../repo/index.ts';
import type { Policy } from '../../schema/index.ts';

export const forgeNames = ['git', 'github'] as const;
export type ForgeName = (typeof forgeNames)[number];

/** A clone whose remote is being asked. */
export interface AskedClone {
  workspace: Workspace;
  branches: Branches;
  snapshots: Snapshots;
  /** Resolves when everything is fetched. */
  refreshed(): Promise<void>;
}

export interface ForgeChoice {
  env: Readonly<Record<string, string | undefined>>;
  /** Where secrets come from that the repository names. */
  secrets: SecretSources;
  signal?: AbortSignal;
  /** By hand. */
  named?: ForgeName | undefined;
}

/**
 * Where proposals are reviewed: as said by hand; else as `review.forge` says in the branch as it was last fetched; else at
 * GitHub when the remote is there and a token for it is at hand. Where the token goes is decided by the remote's address
 * and by who runs this, never by the repository.
 * @throws ProblemError FORGE_UNUSABLE, REMOTE_NOT_FOUND
 */
export async function chooseForge(clone: AskedClone, choice: ForgeChoice): Promise<Forge> {
  const { workspace, branches, snapshots } = clone;
  const { env, secrets, signal, named } = choice;
  const [remote, review] = await Promise.all([workspace.address(), declaredReview(clone)]);
  const name = named ?? review?.forge;
  if (name === 'git') return createGitForge(workspace, branches);
  const { github: access } = review ?? {};
  const declared = access && (await declaredLogin(snapshots, await branches.main(), access, secrets));
  const github = await openGithubForge(workspace, {
    remote,
    env,
    declared,
    wanted: name === 'github',
    branches,
    ...(signal && { signal }),
  });
  return github ?? createGitForge(workspace, branches);
}

const MAX_BYTES = 1024 * 1024;

/** What the branch itself says about where it is reviewed; it is waited for when it was never fetched. */
async function declaredReview({ workspace, branches, snapshots, refreshed }: AskedClone): Promise<Policy['review']> {
  if ((await branches.heads()).main === undefined) await refreshed();
  const main = await branches.main();
  const file = workspace.path === '' ? 'mcpctl.yaml' : `${workspace.path}/mcpctl.yaml`;
  const text = (await snapshots.objects.contents(`${main}:${file}`, MAX_BYTES))?.bytes?.toString() ?? '';
  // It is parsed only where it may say something.
  return /\b(?:forge|github)\b/.test(text) ? (await policyOf(workspace, snapshots, main)).review : undefined;
}
