import { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { gatewayOptions } from '../../options.ts';

const CODES = '\n\nExit codes: 0 ok · 1 no daemon, or no such server · 2 wrong usage · 5 denied';

/** `mcpctl suspend [SERVER]`: take over no change. */
export function suspendCommand(context: CliContext): Command {
  return gatewayOptions(new Command('suspend'))
    .description(
      'Let a daemon take over no commit any more or, with SERVER, no change of that server, which stays at the revision ' +
        'that it has. What runs goes on and is looked after as before. It holds until `mcpctl resume`, also when the ' +
        'daemon is started again; `mcpctl status` shows it.',
    )
    .argument('[name]', 'a server; everything without it')
    .addHelpText('after', `\nExamples:\n  $ mcpctl suspend\n  $ mcpctl suspend memory${CODES}`)
    .action((name: string | undefined, options) => run(context, 'suspend', name, options));
}

/** `mcpctl resume [SERVER]`: take over changes again. */
export function resumeCommand(context: CliContext): Command {
  return gatewayOptions(new Command('resume'))
    .description(
      'Let a daemon take over commits again or, with SERVER, changes of that server: at once, what was held back.',
    )
    .argument('[name]', 'a server; everything without it')
    .addHelpText('after', `\nExamples:\n  $ mcpctl resume\n  $ mcpctl resume memory${CODES}`)
    .action((name: string | undefined, options) => run(context, 'resume', name, options));
}

async function run(context: CliContext, verb: 'suspend' | 'resume', name: string | undefined, options: object) {
  const { runSuspend } = await import('./run.ts');
  context.finish(await runSuspend({ ...context, ...options, verb, ...(name !== undefined && { name }) }));
}
