import { Command, InvalidArgumentError } from 'commander';
import type { CliContext } from '../../context.ts';
import { gatewayOptions } from '../../options.ts';

/** `mcpctl connect -p PROJECT`: a project of a gateway as an MCP server on stdio. */
export function connectCommand(context: CliContext): Command {
  return gatewayOptions(new Command('connect'))
    .description(
      'Be an MCP server on stdin and stdout that is one project of a gateway. AI clients start it; their files then ' +
        'hold neither an address nor a token. It ends when stdin does, and waits for a gateway that is started again.',
    )
    .requiredOption('-p, --project <name>', 'the project')
    .option('--timeout <seconds>', 'how long a message waits for a gateway that is away', seconds, 30)
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl connect -p demo
  $ mcpctl connect -p demo --server https://mcp.example.com
  $ claude mcp add demo -- mcpctl connect -p demo

Exit codes: 0 stdin has ended · 1 failed · 2 wrong usage`,
    )
    .action(async options => {
      const { runConnect } = await import('./run.ts');
      context.finish(await runConnect({ ...context, ...options }));
    });
}

function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > 86_400) throw new InvalidArgumentError('a number of seconds to 86400.');
  return value;
}
