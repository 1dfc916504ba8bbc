import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl tree`: a repository at a glance. */
export function treeCommand(context: CliContext): Command {
  return new Command('tree')
    .summary('show who serves what')
    .description('Show every project with its servers, prompts and skills, and below them what nothing names.')
    .option('-C, --dir <dir>', 'a folder of the working tree', '.')
    .option('--at <revision>', 'as a commit has it, instead of the working tree')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['tree', 'json']).default('tree'))
    .addHelpText('after', '\nExamples:\n  $ mcpctl tree -C example-repo\n  $ mcpctl tree -C example-repo -o json')
    .action(async options => {
      const { runTree } = await import('./run.ts');
      context.finish(await runTree({ ...context, ...options }));
    });
}
