import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl verify [RELEASE]`: every check on a release, by name. */
export function verifyCommand(context: CliContext): Command {
  return new Command('verify')
    .description(
      'Check a release as a machine does that follows it: by the root pinned here, down to the manifest; with --files ' +
        'down to every file. Nothing is accepted by it: the high-water mark stays where it is.',
    )
    .argument('[release]', 'a release or a full ref: v1.2.0, refs/tags/v1.2.0 (default: the highest version here)')
    .option('--files', 'hash every file too')
    .option('--explain', 'show the chain: root → key → tag → manifest → file')
    .option('--allow-rollback', 'below the high-water mark is not held against it')
    .addOption(new Option('-o, --output <format>').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl verify\n  $ mcpctl verify v1.2.0 --files --explain\n  $ mcpctl verify v1.2.0 -o json' +
        '\n\nExit codes: 0 trusted · 1 failed · 2 wrong usage · 5 not trusted',
    )
    .action(async (release: string | undefined, options) => {
      const { runVerify } = await import('./run.ts');
      context.finish(await runVerify({ ...context, ...options, ...(release !== undefined && { release }) }));
    });
}
