import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl tree`: a repository at a glance. */
export function treeCommand(context: CliContext): Command {
  return new Command('tree')
    .description('Show every project with its servers, prompts and skills, and below them what nothing names.')
    .option('-C, --dir <dir>', 'a folder of the working tree', '.')
    .option('--env, --environment <name>', 'with the patches of an environment')
    .option('--at <revision>', 'as a commit has it, instead of the working tree')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['tree', 'json']).default('tree'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl tree -C example-repo\n  $ mcpctl tree -C example-repo -o json' +
        '\n\nExit codes: 0 ok · 1 failed · 2 wrong usage',
    )
    .action(async options => {
      const { runTree } = await import('./run.ts');
      context.finish(await runTree({ ...context, ...options }));
    });
}
