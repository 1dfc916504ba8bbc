import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';
import { forgeOptions } from '../../proposals/open-forge.ts';

/** `mcpctl review …`: see what is proposed and what it would do, and decide about it. */
export function reviewCommand(context: CliContext): Command {
  const review = new Command('review')
    .description(
      'See what is proposed, what it would do, and decide about it. Verdicts are statements signed with your SSH key; ' +
        'who has to agree is said by `review` in mcpctl.yaml and by CODEOWNERS, as they are before the change.',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl review pending
  $ mcpctl review diff server-stock-4f1a9c
  $ mcpctl review approve server-stock-4f1a9c --note "tried it"

Exit codes: 0 ok · 1 failed, nothing was recorded · 2 wrong usage · 5 not yours to decide`,
    );
  review.addCommand(pending(context));
  review.addCommand(looking(context, 'next', 'show the oldest proposal that waits for you'));
  review.addCommand(looking(context, 'show', 'show a proposal: what it does, and who has to agree'));
  review.addCommand(looking(context, 'diff', 'show a proposal: what it does, and its text'));
  review.addCommand(
    deciding(context, 'approve', 'approve what you looked at; merge it when that was the last approval'),
  );
  review.addCommand(deciding(context, 'reject', 'reject what you looked at'));
  review.addCommand(deciding(context, 'withdraw', 'take a proposal of your own back'));
  review.addCommand(reporting(context));
  return review;
}

function pending(context: CliContext): Command {
  return forgeOptions(new Command('pending').summary('list what waits for a decision'))
    .description('List the open proposals, and how many approvals each still needs.')
    .addOption(output())
    .addHelpText('after', '\nExamples:\n  $ mcpctl review pending\n\nExit codes: 0 ok · 1 failed · 2 wrong usage')
    .action(async options => {
      const { runPending } = await import('./pending.ts');
      context.finish(await runPending({ ...context, ...options }));
    });
}

function looking(context: CliContext, what: 'next' | 'show' | 'diff', summary: string): Command {
  const command = forgeOptions(new Command(what).summary(summary))
    .description(
      `${summary[0]?.toUpperCase()}${summary.slice(1)}. What is risky comes first, then what would start, stop or be ` +
        'served differently. What you see is remembered: `approve` is about that and nothing else.',
    )
    .addOption(output())
    .addHelpText(
      'after',
      `\nExamples:\n  $ mcpctl review ${what}${what === 'next' ? '' : ' server-stock-4f1a9c'}\n\nExit codes: 0 ok · 1 failed · 2 wrong usage`,
    );
  if (what !== 'next') command.argument('<id>', 'the proposal');
  return command.action(async (...given) => {
    const [first, second] = given;
    const options = what === 'next' ? first : second;
    const { runShow } = await import('./show.ts');
    context.finish(await runShow({ ...context, ...options, what, ...(what !== 'next' && { id: first }) }));
  });
}

function deciding(context: CliContext, verdict: 'approve' | 'reject' | 'withdraw', summary: string): Command {
  const command = forgeOptions(new Command(verdict).summary(summary))
    .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
    .argument('<id>', 'the proposal')
    .option('--sign-key <file>', 'your SSH key (default: git’s user.signingkey, or ~/.ssh/id_ed25519)')
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl review ${verdict} server-stock-4f1a9c${verdict === 'reject' ? ' --reason "it reads every file"' : ''}

Exit codes: 0 ok · 1 failed, nothing was recorded · 2 wrong usage · 5 not yours to decide`,
    );
  if (verdict === 'approve') command.option('--note <text>', 'a note that goes with it');
  else command.requiredOption('--reason <text>', 'why');
  if (verdict !== 'withdraw') {
    command.option('--head <commit>', 'the commit that you looked at, when that was elsewhere');
  }
  return command.action(async (id: string, options) => {
    const { runDecide } = await import('./decide.ts');
    const reason = options.note ?? options.reason ?? '';
    context.finish(await runDecide({ ...context, ...options, id, verdict, reason }));
  });
}

function reporting(context: CliContext): Command {
  return forgeOptions(new Command('report').summary('show at GitHub what a proposal would do'))
    .description(
      'Show what a proposal would do where it is discussed at GitHub: one comment that is kept up to date, and the status ' +
        '`mcpctl/plan` of its commit. For CI; `propose` does it by itself.',
    )
    .argument('<id>', 'the proposal')
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl review report server-stock-4f1a9c

Exit codes: 0 ok · 1 failed, or the proposal is not valid · 2 wrong usage`,
    )
    .action(async (id: string, options) => {
      const { runReport } = await import('./report.ts');
      context.finish(await runReport({ ...context, ...options, id }));
    });
}

function output(): Option {
  return new Option('-o, --output <format>', 'how it is printed').choices(['table', 'json']).default('table');
}
