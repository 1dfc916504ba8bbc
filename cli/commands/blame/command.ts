import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';
import { commonOptions } from '../../kinds.ts';

/** `mcpctl blame KIND NAME`: who made each line what it is. */
export function blameCommand(context: CliContext): Command {
  return commonOptions(new Command('blame'))
    .description(
      'Tell of each line of a resource which commit made it what it is, from which proposal that came, and who let it ' +
        'in, as far as trailers and merges tell.',
    )
    .argument('<kind>', 'a kind, or KIND/NAME')
    .argument('[name]', 'its name')
    .option('--at <revision>', 'as it was: a commit, version, release or date', 'HEAD')
    .option('--file <path>', 'of a skill: another file of it than SKILL.md')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['table', 'json']).default('table'))
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl blame prompt code-review -C example-repo
  $ mcpctl blame server memory --at HEAD -o json -C example-repo

Exit codes: 0 ok · 1 it is not there · 2 wrong usage`,
    )
    .action(async (kind: string, name: string | undefined, options) => {
      const { runBlame } = await import('./run.ts');
      context.finish(await runBlame({ ...context, kind, ...(name !== undefined && { name }), ...options }));
    });
}
