import { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { gatewayOptions } from '../../options.ts';

/** `mcpctl restart NAME`: replace instances by fresh ones. */
export function restartCommand(context: CliContext): Command {
  return gatewayOptions(new Command('restart'))
    .description(
      'Replace a server’s instances, or one instance, by fresh ones, as the server’s `strategy` says: calls under way ' +
        'may end first, secrets are resolved anew before anything is ended, and what waits for its next try is tried at ' +
        'once.',
    )
    .argument('<name>', 'a server, or one instance: `memory`, `memory-0`')
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl restart memory\n  $ mcpctl restart everything-1' +
        '\n\nExit codes: 0 ok · 1 no daemon, or nothing of that name · 2 wrong usage · 5 denied',
    )
    .action(async (name: string, options) => {
      const { runRestart } = await import('./run.ts');
      context.finish(await runRestart({ ...context, ...options, name }));
    });
}
