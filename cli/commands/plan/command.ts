import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl plan`: what a change would do, without a server. */
export function planCommand(context: CliContext): Command {
  return new Command('plan')
    .description(
      'Compare two revisions of a repository and show what the reconciler would do. Needs no server, runs nothing.',
    )
    .argument('[dir]', 'the folder that has mcpctl.yaml', '.')
    .option('--from <revision>', 'what is in service', 'HEAD')
    .option('--to <revision>', 'what is wanted (default: the working tree)')
    .option('--exit-code', 'exit with 3 when there is something to do')
    .addOption(new Option('-o, --output <format>').choices(['table', 'json']).default('table'))
    .addHelpText('after', '\nExamples:\n  $ mcpctl plan\n  $ mcpctl plan --from main --to proposals/new-server -o json')
    .action(async (folder: string, options) => {
      const { runPlan } = await import('./run.ts');
      context.finish(await runPlan({ ...context, folder, ...options }));
    });
}
