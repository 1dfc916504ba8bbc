import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';
import { gatewayOptions } from '../../options.ts';

/** `mcpctl why NAME`: why is this server, tool, prompt or skill not there. */
export function whyCommand(context: CliContext): Command {
  return gatewayOptions(new Command('why'))
    .description(
      'Follow a server, tool, prompt or skill from the working tree to what clients see, and tell where it is lost: ' +
        'not declared, not valid, in no project, hidden, not taken over by the daemon, or not running.',
    )
    .argument('<name>', 'a name, KIND/NAME, or a tool as clients name it: `everything__echo`')
    .option('-p, --project <name>', 'the project that should serve it (default: any)')
    .option('-C, --dir <dir>', 'a folder of the working tree', '.')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl why memory -C example-repo\n  $ mcpctl why everything__echo -p demo -C example-repo\n\n' +
        'Exit codes: 0 it is there · 1 it is not · 2 wrong usage · 5 denied',
    )
    .action(async (name: string, options) => {
      const { runWhy } = await import('./run.ts');
      context.finish(await runWhy({ ...context, name, ...options }));
    });
}
