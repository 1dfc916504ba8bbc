import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl version`: what this is, and what it speaks. */
export function versionCommand(context: CliContext): Command {
  return new Command('version')
    .description(
      'Show the version and the commit it was built from, the Node.js it runs on, the versions of the Model Context ' +
        'Protocol that it speaks with servers and clients, and the version of the repository format.',
    )
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['table', 'json']).default('table'))
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl version
  $ mcpctl version -o json
  $ mcpctl --version       # the number alone

Exit codes: 0 ok · 2 wrong usage`,
    )
    .action(async options => {
      const { runVersion } = await import('./run.ts');
      context.finish(await runVersion({ ...context, ...options }));
    });
}
