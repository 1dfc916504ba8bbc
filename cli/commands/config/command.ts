import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';
import { parseFilled } from '../../options.ts';
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
    .summary('let Claude Code use a project, and its skills')
    .description(
      'Set this folder up for a project: its entry in `.mcp.json` (as `mcpctl export --client claude-code --write`), ' +
        '`.mcpctl-project`, its skills, and one hook that syncs them before each session.',
    )
    .option('--from <repo>', 'where skills come from, if this machine was not told yet', parseFilled)
    .option('--gateway <url>', 'a gateway that hands skills out, in place of a repository', parseFilled)
    .option('--skip-skills', 'no skills, and no hook')
    .option('--remove', 'undo all of it: entry, project file, skills that were not edited, hook')
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl config claude -p demo
  $ mcpctl config claude -p demo --from https://git.example.com/ai.git
  $ mcpctl config claude -p demo --scope user --skip-skills
  $ mcpctl config claude -p demo --remove

Exit codes: 0 ok · 1 failed · 2 wrong usage; those of \`mcpctl skills sync\` when that fails`,
    )
    .action(async options => {
      const { runConfigClaude } = await import('./claude.ts');
      context.finish(await runConfigClaude({ ...context, ...options }));
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
