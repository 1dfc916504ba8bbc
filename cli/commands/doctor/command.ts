import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';
import { parsePort } from '../../options.ts';

/** `mcpctl doctor`: whether this machine has what is needed. */
export function doctorCommand(context: CliContext): Command {
  return new Command('doctor')
    .description(
      'Look at this machine: programs, the port, the clock, proxies and certificates, the state directories, running ' +
        'daemons, AI clients. One line each, with the cure where one is needed. Changes nothing.',
    )
    .option('--port <port>', 'the gateway’s port', parsePort, 3100)
    .option('--remote <url>', 'compare the clock with that of this server (asks it once)')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['table', 'json']).default('table'))
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl doctor
  $ mcpctl doctor --remote https://git.example.com -o json

Exit codes: 0 nothing is in the way · 1 something is (✗) · 2 wrong usage`,
    )
    .action(async options => {
      const { runDoctor } = await import('./run.ts');
      context.finish(await runDoctor({ ...context, ...options }));
    });
}
