import { Command } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl init [DIR]`: a new repository to start from. */
export function initCommand(context: CliContext): Command {
  return new Command('init')
    .description(
      'Make a new repository: one server, one project that serves it, one prompt, one skill, a README and workflows for ' +
        'GitHub. It becomes a git repository with a first commit and hooks that check what is committed, unless it lies in one already. A folder that has files of the repository ' +
        'format is refused; other files in it are left as they are.',
    )
    .argument('[dir]', 'the folder; made when it is not there', '.')
    .option('--lock', 'also pin what the server depends on, as `mcpctl lock` does (asks the npm registry)')
    .option('--no-git', 'make no git repository and no commit')
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl init ai-tools
  $ mcpctl init . --no-git

Exit codes: 0 ok · 1 failed, or refused · 2 wrong usage`,
    )
    .action(async (folder: string, options) => {
      const { runInit } = await import('./run.ts');
      context.finish(await runInit({ ...context, folder, ...options }));
    });
}
