import { z } from 'zod';
import { type CommitState, type History, nothingLike } from '../../../repo/history/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import type { CliContext } from '../../context.ts';
import { askDaemon } from '../../daemon.ts';
import { daemonHere } from '../../daemon-here.ts';

/** What the daemon answers. */
const InService = z.object({ commit: z.string().nullable(), held: z.record(z.string(), z.string().nullable()) });

/** What a daemon on this machine has in service. @throws ProblemError DAEMON_*, NOT_READY, REVISION_NOT_FOUND */
export async function liveSide(
  context: Pick<CliContext, 'cwd' | 'env'> & { dir: string; stateDir?: string },
  history: History,
): Promise<CommitState> {
  const { daemon } = await daemonHere(context, context);
  const { commit, held } = InService.parse(await askDaemon(daemon, 'GET', '/api/v1/revisions/live'));
  if (commit === null) {
    const hint = '`mcpctl status` tells why; compare with a commit until then.';
    throw new ProblemError(problem('NOT_READY', 'the daemon has nothing in service yet', { hint }));
  }
  for (const one of [commit, ...Object.values(held)]) if (one !== null) await refuseUnknown(history, one);
  return { commit, held: new Map(Object.entries(held).map(([id, at]) => [id, at ?? nothingLike(commit)])) };
}

async function refuseUnknown(history: History, commit: string): Promise<void> {
  if (/^[0-9a-f]{40,64}$/.test(commit) && (await history.objects.info(`${commit}^{commit}`))) return;
  const hint = 'Get it with `git fetch`, or `git pull`.';
  const message = `this repository has not the commit ${commit.slice(0, 12)}, which the daemon has in service`;
  throw new ProblemError(problem('REVISION_NOT_FOUND', message, { hint }));
}
