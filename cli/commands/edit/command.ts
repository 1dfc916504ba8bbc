import { Command } from 'commander';
import { changeOptions } from '../../change-tree.ts';
import type { CliContext } from '../../context.ts';
import { wishOptions } from '../../trailers.ts';

/** `mcpctl edit KIND NAME`: a resource's file in an editor, checked before it is taken over. */
export function editCommand(context: CliContext): Command {
  return wishOptions(changeOptions(new Command('edit')))
    .summary('change a resource in an editor')
    .description(
      'Open the file that declares a resource in $VISUAL or $EDITOR. What is saved is checked as the daemon would; with ' +
        'problems, the editor opens again with them on top. Saving it unchanged changes nothing.',
    )
    .argument('<kind>', 'singular, plural or short: `server`, `servers`, `srv`; or KIND/NAME')
    .argument('[name]', 'what to edit')
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl edit server memory
  $ EDITOR="code --wait" mcpctl edit prompt tour -p demo --commit
  $ mcpctl edit skill code-review --bump minor --note "Looks at tests too"

Exit codes: 0 ok · 1 not there, or given up with problems · 2 wrong usage`,
    )
    .action(async (kind: string, name: string | undefined, options) => {
      const { runEdit } = await import('./run.ts');
      context.finish(await runEdit({ ...context, kind, ...(name !== undefined && { name }), ...options }));
    });
}
