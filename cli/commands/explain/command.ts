import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl explain KIND.FIELD`: what a field is for. */
export function explainCommand(context: CliContext): Command {
  return new Command('explain')
    .description('Tell what a kind or a field is for, its type, default and rules. Without a path: every kind.')
    .argument('[path]', 'a kind, and a field of it: `server`, `server.env.valueFrom`; `spec.` may be left out')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl explain server\n  $ mcpctl explain server.env.valueFrom' +
        '\n\nExit codes: 0 ok · 2 no such kind or field',
    )
    .action(async (path: string | undefined, options) => {
      const { runExplain } = await import('./run.ts');
      context.finish(await runExplain({ ...context, ...(path !== undefined && { path }), ...options }));
    });
}
