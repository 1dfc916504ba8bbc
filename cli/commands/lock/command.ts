import { Command } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl lock [NAME…]`: write the locks of npm servers. */
export function lockCommand(context: CliContext): Command {
  return new Command('lock')
    .description(
      'Resolve the dependencies of npm servers as they are published now, and write them to ' +
        'locks/servers/NAME/package-lock.json for review. Installs and runs nothing.',
    )
    .argument('[name...]', 'servers to lock (default: every npm server)')
    .option('-C, --dir <dir>', 'a folder of the working tree', '.')
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl lock\n  $ mcpctl lock everything memory -C example-repo' +
        '\n\nExit codes: 0 ok · 1 one could not be locked; the others are · 2 wrong usage',
    )
    .action(async (names: string[], { dir }: { dir: string }) => {
      const { runLock } = await import('./run.ts');
      context.finish(await runLock({ ...context, names, folder: dir }));
    });
}
