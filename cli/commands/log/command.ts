import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';
import { commonOptions } from '../../kinds.ts';
import { listFormats } from '../../output.ts';

/** `mcpctl log`: what was done, to whatever resource. */
export function logCommand(context: CliContext): Command {
  return commonOptions(new Command('log'))
    .description('List the commits that changed resources, newest first, with what each did to which.')
    .option('-k, --kind <kind>', 'only those that changed a resource of this kind')
    .option('--author <text>', 'only those whose author’s name or address has this in it')
    .option('--proposal <id>', 'only those that came from this proposal')
    .option('--at <revision>', 'as it was: a commit, version, release or date', 'HEAD')
    .option('-n, --limit <count>', 'so many at most', '50')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(listFormats).default('table'))
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl log -C example-repo
  $ mcpctl log --kind prompt -n 5 -C example-repo
  $ mcpctl log --author test@example.com -o json

Exit codes: 0 ok · 1 failed · 2 wrong usage`,
    )
    .action(async options => {
      const { runLog } = await import('./run.ts');
      context.finish(await runLog({ ...context, ...options }));
    });
}
