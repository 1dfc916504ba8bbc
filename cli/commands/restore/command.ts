import { Command } from 'commander';
import { changeOptions } from '../../change-tree.ts';
import type { CliContext } from '../../context.ts';

/** `mcpctl restore KIND NAME`: old content as a new change. */
export function restoreCommand(context: CliContext): Command {
  return changeOptions(new Command('restore'))
    .description(
      'Write a resource as a revision had it into the working tree, also one that was deleted. It is a new change: history ' +
        'is never rewritten. References that no longer resolve are named, and stop it unless --force is given.',
    )
    .argument('<kind>', 'singular, plural or short: `server`, `servers`, `srv`; or KIND/NAME')
    .argument('[name]', 'what to restore')
    .requiredOption('--revision <revision>', 'as it was: a commit, version, release or date')
    .option('--note <text>', 'why; kept with the commit (implies --commit)')
    .option('--force', 'restore it even though that brings errors about')
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl restore prompt tour -p demo --revision HEAD~1 --dry-run
  $ mcpctl restore skill code-review --revision v1.3.0 --note "1.4.0 forgets the tests"

Exit codes: 0 ok · 1 the revision has it not, or it brings errors about · 2 wrong usage`,
    )
    .action(async (kind: string, name: string | undefined, options) => {
      const { runRestore } = await import('./run.ts');
      context.finish(await runRestore({ ...context, kind, ...(name !== undefined && { name }), ...options }));
    });
}
