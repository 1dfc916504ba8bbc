import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';
import { entryOptions } from '../export/command.ts';

/** `mcpctl config`: the configuration of this user, and that of Claude Code. */
export function configCommand(context: CliContext): Command {
  return new Command('config')
    .description('Configure Claude Code for a project, or see and change which gateway commands mean.')
    .addHelpText('after', '\nExit codes: 0 ok · 1 failed, or no such context · 2 wrong usage')
    .addCommand(claudeCommand(context))
    .addCommand(contextsCommand(context))
    .addCommand(useCommand(context))
    .addCommand(removeCommand(context));
}

function claudeCommand(context: CliContext): Command {
  return entryOptions(new Command('claude'))
    .summary('let Claude Code use a project')
    .description(
      'Put a project’s entry into the `.mcp.json` of this folder: `mcpctl export --client claude-code --write`.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl config claude -p demo\n  $ mcpctl config claude -p demo --scope user',
    )
    .action(async options => {
      const { runExport } = await import('../export/run.ts');
      context.finish(await runExport({ ...context, ...options, client: 'claude-code', write: true }));
    });
}

function contextsCommand(context: CliContext): Command {
  return new Command('contexts')
    .summary('list the gateways that are known')
    .addOption(new Option('-o, --output <format>').choices(['table', 'json', 'name']).default('table'))
    .addHelpText('after', '\nExamples:\n  $ mcpctl config contexts')
    .action(async options => {
      const { runContexts } = await import('./run.ts');
      context.finish(await runContexts({ ...context, ...options }));
    });
}

function useCommand(context: CliContext): Command {
  return new Command('use-context')
    .summary('choose the gateway that commands mean')
    .argument('<name>', 'a context')
    .addHelpText('after', '\nExamples:\n  $ mcpctl config use-context work')
    .action(async (name: string) => {
      const { runUseContext } = await import('./run.ts');
      context.finish(await runUseContext({ ...context, name }));
    });
}

function removeCommand(context: CliContext): Command {
  return new Command('delete-context')
    .summary('forget a gateway and its token')
    .argument('<name>', 'a context')
    .addHelpText('after', '\nExamples:\n  $ mcpctl config delete-context work')
    .action(async (name: string) => {
      const { runDeleteContext } = await import('./run.ts');
      context.finish(await runDeleteContext({ ...context, name }));
    });
}
