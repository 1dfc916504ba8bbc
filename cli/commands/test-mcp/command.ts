import { Command, InvalidArgumentError, Option } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl test`: what can be tested. */
export function testCommand(context: CliContext): Command {
  return new Command('test').description('Test an MCP server').addCommand(testMcpCommand(context));
}

/** `mcpctl test mcp URL`: whether an MCP endpoint works, with a client as real ones are. */
export function testMcpCommand(context: CliContext): Command {
  return new Command('mcp')
    .argument('<url>', 'the endpoint, for example http://127.0.0.1:3100/mcp/PROJECT')
    .summary('connect to an MCP endpoint, list its tools, call one')
    .description('Connect to an MCP endpoint as a client would, list its tools, and call one if it is named.')
    .option('--tool <name>', 'call this tool')
    .option('--args <json>', 'its arguments, a JSON object', jsonObject)
    .option('--expect-tools <names>', 'tools that have to be listed, separated by commas', commaList)
    .option('--token <token>', 'bearer token (default: $MCPCTL_TOKEN)')
    .option('--timeout <seconds>', 'for each step', seconds, 30)
    .option('--no-health', 'do not ask /healthz of the same origin first')
    .addOption(
      new Option('-o, --output <format>', 'how to show the result').choices(['table', 'json']).default('table'),
    )
    .addHelpText(
      'after',
      [
        '',
        'Exit codes: 0 it works · 1 no connection, or not allowed · 2 it breaks the contract (a tool is missing or fails), or wrong usage',
        '',
        'Examples:',
        '  $ mcpctl test mcp http://127.0.0.1:3100/mcp/demo --expect-tools everything__echo',
        '  $ mcpctl test mcp http://127.0.0.1:3100/mcp/demo --tool everything__echo --args \'{"message":"hi"}\' -o json',
      ].join('\n'),
    )
    .action(async (url: string, options) => {
      const { runTestMcp } = await import('./run.ts');
      context.finish(await runTestMcp({ ...context, ...options, url }));
    });
}

function jsonObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new InvalidArgumentError('It has to be a JSON object.');
}

function commaList(text: string): string[] {
  return text
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '');
}

function seconds(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 86_400) return value;
  throw new InvalidArgumentError('It has to be a number of seconds.');
}
