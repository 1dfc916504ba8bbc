import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';
import { commonOptions, isProposals, isRevisions } from '../../kinds.ts';
import { listFormats } from '../../output.ts';
import { proposalStatuses } from '../../proposals/statuses.ts';

/** `mcpctl get KIND [NAME…]`: list what a repository declares. */
export function getCommand(context: CliContext): Command {
  return commonOptions(new Command('get'))
    .description(
      'List resources of the working tree or of a commit, or show the ones that are named. KIND is singular, plural or ' +
        'short (`server`, `servers`, `srv`), several with commas, KIND/NAME, or `all`. With -p, kinds that are only ' +
        'global are those that the project names. `get revisions KIND NAME` lists the commits that changed one resource, ' +
        '`get instances` what the daemon on this machine runs for the repository, `get proposals` what is proposed.',
    )
    .argument('<kind>', 'what to list: a kind, several with commas, KIND/NAME, `all`, or `instances`')
    .argument('[names...]', 'only these')
    .option('-l, --selector <labels>', 'only what has these labels: `team=platform,tier!=test`')
    .option('--all-scopes', 'global ones and those of every project and agent')
    .option('--env, --environment <name>', 'with the patches of an environment')
    .option('--at <revision>', 'as they were: a commit, version, release or date')
    .option('--deleted', 'with `revisions`: what is gone, and the commit that deleted it')
    .option('--digest [digest]', 'with `revisions`: show content digests, or find where a content is and was')
    .option('-n, --limit <count>', 'with `revisions`: only so many, the newest')
    .option('--state-dir <dir>', 'with `instances`: the daemon’s state directory')
    .addOption(
      new Option('--status <status>', 'with `proposals`: only these (default: those that are not over)').choices(
        proposalStatuses,
      ),
    )
    .option('-w, --watch', 'list again after every change, until Ctrl-C')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(listFormats).default('table'))
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl get servers -C example-repo
  $ mcpctl get server memory -o yaml -C example-repo
  $ mcpctl get prompts -p demo -o wide -C example-repo
  $ mcpctl get prompt code-review --at HEAD -C example-repo
  $ mcpctl get revisions prompt code-review -C example-repo
  $ mcpctl get proposals --status approved -C example-repo
  $ mcpctl get all -l team=platform -o name -C example-repo

Exit codes: 0 ok · 1 a named one is not there or broken · 2 wrong usage`,
    )
    .action(async (kind: string, names: string[], options) => {
      if (isProposals(kind)) {
        const { runProposals } = await import('./proposals.ts');
        context.finish(await runProposals({ ...context, names, ...options }));
        return;
      }
      if (isRevisions(kind)) {
        const { runRevisions } = await import('../revisions/run.ts');
        context.finish(await runRevisions({ ...context, subject: names, ...options }));
        return;
      }
      const { runGet } = await import('./run.ts');
      context.finish(await runGet({ ...context, kind, names, ...options }));
    });
}
