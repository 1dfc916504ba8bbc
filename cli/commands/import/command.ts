import { Command, Option } from 'commander';
import { clients } from '../../clients/clients.ts';
import type { CliContext } from '../../context.ts';

/** `mcpctl import FILE|--client NAME`: Servers of what an AI client has. */
export function importCommand(context: CliContext): Command {
  return new Command('import')
    .description(
      'Make Servers of what an AI client is configured with: the file of a client, the registry’s server.json, or a ' +
        'folder of skills. What is secret becomes a Secret that names a variable; no value is shown or written. What ' +
        'the repository has is kept.',
    )
    .argument('[file]', 'the file or folder; with --client, read as that client’s')
    .addOption(
      new Option('--client <name>', 'the client; without FILE, the files it reads on this machine').choices([
        ...clients.map(({ name }) => name),
        'claude',
      ]),
    )
    .option('-p, --project <name>', 'let this project serve them; it is made when it is not there')
    .option('-C, --dir <dir>', 'a folder of the working tree', '.')
    .option('--dry-run', 'show what would change, and change nothing')
    .addOption(
      new Option('-o, --output <format>', 'what is printed of each resource')
        .choices(['name', 'yaml', 'json'])
        .default('name'),
    )
    .option('--commit', 'commit the files that were changed')
    .option('-m, --message <text>', 'the message of the commit (implies --commit)')
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl import .mcp.json --dry-run
  $ mcpctl import --client claude-desktop -p assistant
  $ mcpctl import ~/.claude/skills

Exit codes: 0 ok, also where all entries are kept or left out · 1 a file cannot be read, has no entry, or nothing new in it is valid · 2 wrong usage`,
    )
    .action(async (file: string | undefined, options) => {
      const { runImport } = await import('./run.ts');
      context.finish(await runImport({ ...context, ...options, ...(file !== undefined && { file }) }));
    });
}
