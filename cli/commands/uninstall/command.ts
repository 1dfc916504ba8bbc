import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl uninstall`: take back everything that was put on this machine. */
export function uninstallCommand(context: CliContext): Command {
  return new Command('uninstall')
    .description(
      'List what mcpctl keeps on this machine below ~/.mcpctl (or $MCPCTL_HOME), and remove it with --yes: the state ' +
        'of daemons, installed packages, tokens, synced skills with their hooks, entries in the files of AI clients. A skill that you edited becomes ' +
        'a plain folder of yours. Refused while a daemon runs. Secrets that you wrote, repositories and state directories ' +
        'named with --state-dir are left; so is the program itself.',
    )
    .option('--yes', 'remove it; without this, only list it')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['table', 'json']).default('table'))
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl uninstall         # what would be removed?
  $ mcpctl uninstall --yes

Exit codes: 0 ok · 1 a daemon runs, or something could not be removed · 2 wrong usage`,
    )
    .action(async options => {
      const { runUninstall } = await import('./run.ts');
      context.finish(await runUninstall({ ...context, ...options }));
    });
}
