import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';
import { gatewayOptions } from '../../options.ts';

/** `mcpctl events`: what a running daemon did lately. */
export function eventsCommand(context: CliContext): Command {
  return gatewayOptions(new Command('events'))
    .description('Show the newest events of a daemon: commits applied, instances that changed, problems. Oldest first.')
    .option('-w, --watch', 'go on with what happens, until Ctrl-C')
    .option('-f, --follow', 'the same as --watch')
    .option('-C, --dir <dir>', 'a folder of the working tree whose daemon is meant', '.')
    .addOption(
      new Option('-o, --output <format>', 'how events are printed').choices(['table', 'json']).default('table'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl events\n  $ mcpctl events --watch -o json' +
        '\n\nExit codes: 0 ok · 1 no daemon · 2 wrong usage · 5 denied',
    )
    .action(async options => {
      const { runEvents } = await import('./run.ts');
      context.finish(await runEvents({ ...context, ...options, watch: options.watch ?? options.follow }));
    });
}
