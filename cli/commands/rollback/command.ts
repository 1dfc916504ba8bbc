import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';
import { signingOptions } from '../release/command.ts';

/** `mcpctl rollback RELEASE`: the content of an earlier release, as a new one. */
export function rollbackCommand(context: CliContext): Command {
  return signingOptions(new Command('rollback'))
    .description(
      'Make a new commit with the content of an earlier release, on top of the current branch, and release it: with ' +
        'the next sequence, so that every machine takes it. Says what it undoes. The root of trust stays.',
    )
    .argument('<release>', 'the release to go back to, such as v1.2.0')
    .addOption(new Option('-o, --output <format>').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl rollback v1.2.0 --dry-run\n  $ mcpctl rollback v1.2.0 --push' +
        '\n\nExit codes: 0 ok · 1 failed · 2 wrong usage · 5 the release is not trusted, or the key may not sign',
    )
    .action(async (release: string, options) => {
      const { runRollback } = await import('./run.ts');
      context.finish(await runRollback({ ...context, ...options, release }));
    });
}
