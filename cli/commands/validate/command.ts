import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl validate [DIR]`: every problem of a folder's files, at once. */
export function validateCommand(context: CliContext): Command {
  return new Command('validate')
    .description('Check every file below a folder as the daemon would, and show all problems at once. Runs nothing.')
    .argument('[dir]', 'the folder that has mcpctl.yaml', '.')
    .option('--at <revision>', 'check a commit instead of the working tree')
    .addOption(new Option('-o, --output <format>').choices(['table', 'json']).default('table'))
    .addHelpText('after', '\nExamples:\n  $ mcpctl validate example-repo\n  $ mcpctl validate --at HEAD~1 -o json')
    .action(async (folder: string, options) => {
      const { runValidate } = await import('./run.ts');
      context.finish(await runValidate({ ...context, folder, ...options }));
    });
}
