import { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { daemonOptions } from '../../options.ts';

/** `mcpctl reconcile [REPO]`: tell a running daemon to fetch now. */
export function reconcileCommand(context: CliContext): Command {
  return daemonOptions(new Command('reconcile'))
    .addHelpText('after', '\nExamples:\n  $ mcpctl reconcile\n  $ mcpctl reconcile --state-dir /var/lib/mcpctl')
    .action(async (repository: string | undefined, options) => {
      const { runReconcile } = await import('./run.ts');
      context.finish(await runReconcile({ ...context, ...(repository !== undefined && { repository }), ...options }));
    });
}
