import { createDesk, type Desk, type SecretSources } from '../../../reconciler/index.ts';
import { type DaemonWorkspaceOptions, daemonWorkspace, openBranches } from '../../../repo/forges/index.ts';
import { withSnapshots } from '../../../repo/index.ts';
import { chooseForge } from '../../proposals/choose-forge.ts';

/** Where the gateway takes proposals; its own repository is made, and the forge found, with the first of them. */
export function openDesk(options: DaemonWorkspaceOptions & { secrets: SecretSources }): Desk {
  return createDesk(async () => {
    const { env, secrets } = options;
    const workspace = await daemonWorkspace(options);
    const branches = openBranches(workspace);
    const refreshed = async () => void (await branches.refresh());
    const forge = await withSnapshots(workspace, env, snapshots =>
      chooseForge({ workspace, branches, snapshots, refreshed }, { env, secrets }),
    );
    return { workspace, forge };
  });
}
