import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl validate [DIR]`: every problem of a folder's files, at once. */
export function validateCommand(context: CliContext): Command {
  return new Command('validate')
    .description('Check every file below a folder as the daemon would, and show all problems at once. Runs nothing.')
    .argument('[dir]', 'the folder that has mcpctl.yaml (default: the one around the current folder)')
    .option('-C, --dir <dir>', 'a folder of the working tree', '.')
    .addOption(new Option('--staged', 'check what is staged, which the next commit will have').conflicts('at'))
    .option('--at <revision>', 'check a commit instead of the working tree')
    .option('--env, --environment <name>', 'with the patches of an environment')
    .addOption(new Option('-o, --output <format>').choices(['table', 'json']).default('table'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl validate example-repo\n  $ mcpctl validate --staged\n' +
        '  $ mcpctl validate --at HEAD~1 -o json\n\nExit codes: 0 no error · 1 errors · 2 wrong usage',
    )
    .action(async (folder: string | undefined, options) => {
      const { runValidate } = await import('./run.ts');
      context.finish(await runValidate({ ...context, ...(folder !== undefined && { folder }), ...options }));
    });
}
