import { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { daemonOptions } from '../../options.ts';

/** `mcpctl reconcile [REPO]`: tell a running daemon to fetch now. */
export function reconcileCommand(context: CliContext): Command {
  return daemonOptions(new Command('reconcile'))
    .description('Tell a running daemon to fetch its branch and reconcile now, instead of at its next poll.')
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl reconcile\n  $ mcpctl reconcile --state-dir /var/lib/mcpctl' +
        '\n\nExit codes: 0 ok · 1 no daemon · 2 wrong usage · 5 denied',
    )
    .action(async (repository: string | undefined, options) => {
      const { runReconcile } = await import('./run.ts');
      context.finish(await runReconcile({ ...context, ...(repository !== undefined && { repository }), ...options }));
    });
}
