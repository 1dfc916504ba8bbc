import { Command } from 'commander';
import { type KindRow, kindTable } from '../../../schema/index.ts';
import { type ChangeOptions, changeOptions } from '../../change-tree.ts';
import type { CliContext } from '../../context.ts';
import type { CommonOptions } from '../../kinds.ts';
import { exampleOf, kindFlags } from './flags.ts';

/** `mcpctl create KIND NAME …`: declare a new resource. One command a kind, each with flags of its own. */
export function createCommand(context: CliContext): Command {
  const create = new Command('create')
    .summary('declare a new resource')
    .description(
      'Write the file of a new resource into the working tree. It is checked first; what is already there is refused.',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl create server time --package @example/server-time@1.0.0 --description "Tells the time"
  $ mcpctl create prompt greet --content "Greet {{name}}." --arg name:required --dry-run
  $ mcpctl create user ada --set email=ada@example.com --commit

Exit codes: 0 ok · 1 it exists, or has problems · 2 wrong usage`,
    );
  // `mcpctl.yaml` is what makes a folder a repository: `mcpctl init` writes it.
  for (const row of kindTable) if (row.form !== 'file') create.addCommand(kindCommand(context, row));
  return create;
}

function kindCommand(context: CliContext, row: KindRow): Command {
  const { singular, plural, short, kind, summary } = row;
  const command = changeOptions(new Command(singular))
    .aliases([plural, ...short, kind].filter(alias => alias !== singular))
    .summary(`${summary.charAt(0).toLowerCase()}${summary.slice(1)}`)
    .description(`Declare a new ${kind}: ${summary.charAt(0).toLowerCase()}${summary.slice(1)}.`)
    .argument('<name>', 'lower-case letters, digits and `-`');
  return kindFlags(command, row)
    .addHelpText('after', `\nExample:\n  $ mcpctl create ${singular} ${exampleOf(row)}`)
    .action(async (name: string, ...rest: unknown[]) => {
      const { runCreate } = await import('./run.ts');
      const [argv] = rest;
      const options = command.opts();
      context.finish(
        await runCreate({
          ...context,
          ...chosen(options),
          kind,
          name,
          argv: Array.isArray(argv) ? argv : [],
          flags: options,
        }),
      );
    });
}

/** What is not a kind's own flag; those may have the names of things in the context. */
function chosen(options: Record<string, unknown>): CommonOptions & ChangeOptions {
  const names = ['project', 'agent', 'dir', 'dryRun', 'output', 'commit', 'message'];
  const own = Object.entries(options).filter(([name]) => names.includes(name));
  return { dir: '.', ...Object.fromEntries(own) };
}
