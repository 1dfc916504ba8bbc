import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';
import { commonOptions, isRevisions } from '../../kinds.ts';

/** `mcpctl describe KIND NAME`: everything about one resource. */
export function describeCommand(context: CliContext): Command {
  return commonOptions(new Command('describe'))
    .description(
      'Tell everything about one resource: what it says, where its file is, what it names and what names it, its ' +
        'problems, and, when a daemon on this machine has the repository in service, how it is doing there. ' +
        '`describe revision REV` tells about a commit: who, why, what it changed and what to look at; `describe ' +
        'instance NAME` about what the daemon runs: its attempts, its health, and why.',
    )
    .argument('<kind>', 'a kind, KIND/NAME, or `instance`')
    .argument('[name]', 'its name')
    .option('--env, --environment <name>', 'with the patches of an environment')
    .option('--at <revision>', 'as it was: a commit, version, release or date')
    .option('--state-dir <dir>', 'with `instance`: the daemon’s state directory')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl describe server everything-http -C example-repo\n' +
        '  $ mcpctl describe prompt tour -p demo -C example-repo -o json\n' +
        '  $ mcpctl describe revision HEAD' +
        '\n\nExit codes: 0 ok · 1 it is not there, or broken · 2 wrong usage',
    )
    .action(async (kind: string, name: string | undefined, options) => {
      if (isRevisions(kind) && name !== undefined) {
        const { runDescribeRevision } = await import('./revision.ts');
        context.finish(await runDescribeRevision({ ...context, revision: name, ...options }));
        return;
      }
      const { runDescribe } = await import('./run.ts');
      context.finish(await runDescribe({ ...context, kind, ...(name !== undefined && { name }), ...options }));
    });
}
