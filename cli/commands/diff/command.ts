import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';
import { commonOptions } from '../../kinds.ts';

/** `mcpctl diff [KIND NAME]`: what changed, and first of all what it would do. */
export function diffCommand(context: CliContext): Command {
  return commonOptions(new Command('diff'))
    .description(
      'Compare two states of one resource, or of everything. Above the text stands what to look at first: what would be ' +
        'run, installed, reached, served or allowed differently, and text that hides. A state is a commit, a version, a ' +
        'release, a date, or `live`: what a daemon on this machine has in service.',
    )
    .argument('[kind]', 'a kind, or KIND/NAME (default: everything)')
    .argument('[name]', 'its name')
    .option('--from <revision>', 'what it was', 'HEAD')
    .option('--to <revision>', 'what it is (default: the working tree)')
    .option('--state-dir <dir>', 'with `live`: the daemon that has this state directory')
    .option('--exit-code', 'exit with 3 when there is a difference')
    .addOption(
      new Option('-o, --output <format>', 'how it is printed').choices(['text', 'json', 'name']).default('text'),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl diff server memory -C example-repo
  $ mcpctl diff prompt code-review --from HEAD~1 --to HEAD -C example-repo
  $ mcpctl diff --from main --to proposals/new-server
  $ mcpctl diff --from main -o json | jq .risks

Exit codes: 0 ok · 1 not there, or not read · 2 wrong usage · 3 there is a difference (with --exit-code)`,
    )
    .action(async (kind: string | undefined, name: string | undefined, options) => {
      const { runDiff } = await import('./run.ts');
      const subject = { ...(kind !== undefined && { kind }), ...(name !== undefined && { name }) };
      context.finish(await runDiff({ ...context, ...subject, ...options }));
    });
}
