import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';
import { commonOptions } from '../../kinds.ts';

/** `mcpctl describe KIND NAME`: everything about one resource. */
export function describeCommand(context: CliContext): Command {
  return commonOptions(new Command('describe'))
    .description(
      'Tell everything about one resource: what it says, where its file is, what it names and what names it, its ' +
        'problems, and, when a daemon on this machine has the repository in service, how it is doing there.',
    )
    .argument('<kind>', 'a kind, or KIND/NAME')
    .argument('[name]', 'its name')
    .option('--env, --environment <name>', 'with the patches of an environment')
    .option('--at <revision>', 'as a commit has it, instead of the working tree')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl describe server everything-http -C example-repo\n' +
        '  $ mcpctl describe prompt tour -p demo -C example-repo -o json' +
        '\n\nExit codes: 0 ok · 1 it is not there, or broken · 2 wrong usage',
    )
    .action(async (kind: string, name: string | undefined, options) => {
      const { runDescribe } = await import('./run.ts');
      context.finish(await runDescribe({ ...context, kind, ...(name !== undefined && { name }), ...options }));
    });
}
