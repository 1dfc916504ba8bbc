import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';
import { daemonOptions } from '../../options.ts';

/** `mcpctl status [REPO]`: what a running daemon has in service. */
export function statusCommand(context: CliContext): Command {
  return daemonOptions(new Command('status'))
    .description(
      'Show what a running daemon has in service: its revision, every server with its instances, every project with its ' +
        'endpoint, and every problem.',
    )
    .addOption(new Option('-o, --output <format>').choices(['table', 'json']).default('table'))
    .option('--exit-code', 'exit with 1 when not everything is Ready')
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl status\n  $ mcpctl status ./ai.git -o json' +
        '\n\nExit codes: 0 ok · 1 no daemon, or not Ready with --exit-code · 2 wrong usage · 5 denied',
    )
    .action(async (repository: string | undefined, options) => {
      const { runStatus } = await import('./run.ts');
      context.finish(await runStatus({ ...context, ...(repository !== undefined && { repository }), ...options }));
    });
}
