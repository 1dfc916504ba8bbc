import { Command } from 'commander';
import { changeOptions } from '../../change-tree.ts';
import type { CliContext } from '../../context.ts';

/** `mcpctl apply -f FILE|DIR|-`: make the working tree say what documents say. */
export function applyCommand(context: CliContext): Command {
  return changeOptions(new Command('apply'))
    .summary('write resources from YAML or JSON')
    .description(
      'Make the working tree say what the documents of files say, as `mcpctl get -o yaml` prints them. Comments, order ' +
        'and every byte of what does not change are kept. All of it is checked first; then all is written, or nothing.',
    )
    .requiredOption(
      '-f, --filename <file...>',
      'files, folders (their .yaml, .yml and .json files), or - for standard input',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl get server memory -o yaml | mcpctl apply -f -
  $ mcpctl apply -f servers.yaml --dry-run
  $ mcpctl apply -f changes/ --commit -m "Take over the new servers"

-p and -A set the scope of documents that name none.
Exit codes: 0 ok · 1 problems, nothing was changed · 2 wrong usage`,
    )
    .action(async options => {
      const { runApply } = await import('./run.ts');
      context.finish(await runApply({ ...context, ...options }));
    });
}
