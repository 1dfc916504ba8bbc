import { Command, InvalidArgumentError } from 'commander';
import type { CliContext } from '../../context.ts';
import { daemonOptions } from '../../options.ts';

/** `mcpctl reconcile [REPO]`: tell a running daemon to fetch now. */
export function reconcileCommand(context: CliContext): Command {
  return daemonOptions(new Command('reconcile'))
    .description('Tell a running daemon to fetch its branch and reconcile now, instead of at its next poll.')
    .option('--now', 'let nothing wait for its next try, either')
    .option(
      '--allow-prune <commit>',
      'let this commit remove what it removes, though it is more than one commit may; `mcpctl status` names it',
      parseCommit,
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl reconcile\n  $ mcpctl reconcile --now --state-dir /var/lib/mcpctl\n  $ mcpctl reconcile --allow-prune 1f0c9a2' +
        '\n\nExit codes: 0 ok · 1 no daemon, or no such removals wait · 2 wrong usage · 5 denied',
    )
    .action(async (repository: string | undefined, options) => {
      const { runReconcile } = await import('./run.ts');
      context.finish(await runReconcile({ ...context, ...(repository !== undefined && { repository }), ...options }));
    });
}

function parseCommit(text: string): string {
  if (!/^[0-9a-f]{7,64}$/.test(text)) throw new InvalidArgumentError('a commit is 7 to 64 hexadecimal digits.');
  return text;
}
