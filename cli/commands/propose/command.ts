import { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { forgeOptions } from '../../proposals/open-forge.ts';

/** `mcpctl propose`: publish what a working tree changes as a proposal. */
export function proposeCommand(context: CliContext): Command {
  return forgeOptions(new Command('propose'))
    .description(
      'Publish what the working tree changes, committed or not, as a proposal for the branch that is followed: a branch ' +
        '`proposals/ID` on the remote. The working tree stays as it is. Nothing is pushed that would not be valid.',
    )
    .argument('[paths...]', 'only these files and folders')
    .option('-m, --message <text>', 'its title')
    .option('--reason <text>', 'why it is needed')
    .option('--session <id>', 'the AI session that makes it ($MCPCTL_SESSION_ID unless given)')
    .option('--amend <id>', 'change a proposal that is there')
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl propose -m "Serve the shop's stock" --reason "asked for by the counter"
  $ mcpctl propose servers/stock.yaml
  $ mcpctl propose --amend server-stock-4f1a9c

Exit codes: 0 ok · 1 failed, nothing was pushed · 2 wrong usage`,
    )
    .action(async (paths: string[], options) => {
      const { runPropose } = await import('./run.ts');
      context.finish(await runPropose({ ...context, paths, ...options }));
    });
}
