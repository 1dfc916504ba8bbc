import { Command, InvalidArgumentError, Option } from 'commander';
import type { CliContext } from '../../context.ts';
import { gatewayOptions } from '../../options.ts';

/** `mcpctl logs SERVER`: what a server wrote to its stderr. */
export function logsCommand(context: CliContext): Command {
  return gatewayOptions(new Command('logs'))
    .description(
      'Show the newest lines that a server’s instances wrote to stderr (over HTTP: to stdout too), also those of the ' +
        'run before the present one. Secrets are hidden.',
    )
    .argument('<server>', 'a server, or one instance: `memory`, `memory-0`')
    .option('-f, --follow', 'go on with what comes, until Ctrl-C')
    .option('--tail <lines>', 'only the newest lines', parseLines)
    .option('-C, --dir <dir>', 'a folder of the working tree whose daemon is meant', '.')
    .addOption(new Option('-o, --output <format>', 'how lines are printed').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl logs memory --tail 20\n  $ mcpctl logs everything-1 -f' +
        '\n\nExit codes: 0 ok · 1 no daemon, or no such server · 2 wrong usage · 5 denied',
    )
    .action(async (name: string, options) => {
      const { runLogs } = await import('./run.ts');
      context.finish(await runLogs({ ...context, name, ...options }));
    });
}

function parseLines(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('a number of lines.');
  return Number(text);
}
