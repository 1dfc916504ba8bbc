import { Command } from 'commander';
import { changeOptions } from '../../change-tree.ts';
import type { CliContext } from '../../context.ts';

/** `mcpctl delete KIND NAME…`: take resources out of the working tree. */
export function deleteCommand(context: CliContext): Command {
  return changeOptions(new Command('delete'))
    .summary('take resources out of the working tree')
    .description(
      'Delete the files that declare resources. What other resources name is not deleted without --force; a project or ' +
        'agent goes with everything of its own, and an npm server with its lock.',
    )
    .argument('<kind>', 'singular, plural or short: `server`, `servers`, `srv`; or KIND/NAME')
    .argument('[names...]', 'what to delete')
    .option('--force', 'delete it even though other resources name it')
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl delete server memory --dry-run -C example-repo
  $ mcpctl delete prompt tour -p demo --commit -m "Retire the tour"

Exit codes: 0 ok · 1 not there, or still named · 2 wrong usage`,
    )
    .action(async (kind: string, names: string[], options) => {
      const { runDelete } = await import('./run.ts');
      context.finish(await runDelete({ ...context, kind, names, ...options }));
    });
}
