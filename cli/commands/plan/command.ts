import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl plan`: what a change would do, without a server. */
export function planCommand(context: CliContext): Command {
  return new Command('plan')
    .description(
      'Compare two revisions of a repository and show what the reconciler would do. Needs no server, runs nothing.',
    )
    .argument('[dir]', 'the folder that has mcpctl.yaml (default: the one around the current folder)')
    .option('-C, --dir <dir>', 'a folder of the working tree', '.')
    .option('--from <revision>', 'what is in service', 'HEAD')
    .option('--to <revision>', 'what is wanted (default: the working tree)')
    .option('--env, --environment <name>', 'with the patches of an environment')
    .option('--exit-code', 'exit with 3 when there is something to do')
    .addOption(new Option('-o, --output <format>').choices(['table', 'json']).default('table'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl plan\n  $ mcpctl plan --from main --to proposals/new-server -o json' +
        '\n\nExit codes: 0 ok · 1 errors in a revision · 2 wrong usage · 3 there is something to do (with --exit-code)',
    )
    .action(async (folder: string | undefined, options) => {
      const { runPlan } = await import('./run.ts');
      context.finish(await runPlan({ ...context, ...(folder !== undefined && { folder }), ...options }));
    });
}
