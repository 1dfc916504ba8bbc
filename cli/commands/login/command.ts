import { Command } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl login`: keep a gateway's address and token. */
export function loginCommand(context: CliContext): Command {
  return new Command('login')
    .description(
      'Keep the address and the access token of a gateway as a context, and make it the current one. The token goes ' +
        'into a file of its own that only its owner can read. A daemon on this machine needs no login.',
    )
    .option('--server <url>', 'the gateway’s address', 'http://127.0.0.1:3100')
    .option('--token <token>', 'the token; `-`, or nothing, reads it from stdin; $MCPCTL_TOKEN comes before that')
    .option('--name <name>', 'the context’s name (default: the address’ host)')
    .option('--no-check', 'do not ask the gateway whether the token is right')
    .addHelpText(
      'after',
      `
Examples:
  $ pass show mcpctl | mcpctl login --server https://mcp.example.com
  $ mcpctl login --server https://mcp.example.com --name work --token -

Exit codes: 0 ok · 1 the gateway does not answer · 2 wrong usage · 5 it refuses the token`,
    )
    .action(async options => {
      const { runLogin } = await import('./run.ts');
      context.finish(await runLogin({ ...context, ...options }));
    });
}
