import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { mcpctlHome } from '../../../host/index.ts';
import { clients } from '../../clients/clients.ts';
import type { CliContext } from '../../context.ts';
import { gatewayOptions, parseFilled } from '../../options.ts';
import type { ExportOptions } from './run.ts';

/** `mcpctl export -p PROJECT --client NAME`: a gateway's entry in a client's file. */
export function exportCommand(context: CliContext): Command {
  return entryOptions(new Command('export'))
    .description(
      'Make the entry that lets an AI client use a project of a gateway: the bridge `mcpctl connect`, or with --server ' +
        'its address and a header from a variable. Never a token, nor how a server is run.',
    )
    .addOption(
      new Option('--client <name>', 'the client')
        .choices([...clients.map(({ name }) => name), 'claude'])
        .makeOptionMandatory(),
    )
    .option(
      '--write',
      'put it into the client’s file instead of printing it; the rest of the file stays as it is, and `mcpctl uninstall` takes it out again',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl export -p demo --client vscode
  $ mcpctl export -p demo --client cursor --write
  $ mcpctl export -p demo --client codex --server https://mcp.example.com --write

Exit codes: 0 ok · 1 the client’s file cannot be used, or has another entry of that name · 2 wrong usage`,
    )
    .action(async options => {
      const { runExport } = await import('./run.ts');
      const onEntry: ExportOptions['onEntry'] = async (entry, changed) => {
        const { rememberEntry } = await import('../../sync/index.ts');
        const { dir, project } = options;
        const where = {
          home: mcpctlHome(context.env),
          folder: resolve(context.cwd, dir),
          project,
          signal: context.signal,
        };
        await rememberEntry(where, entry, changed);
      };
      context.finish(await runExport({ ...context, ...options, onEntry }));
    });
}

/** The options that `export` and `config claude` share. */
export function entryOptions(command: Command): Command {
  return gatewayOptions(command)
    .requiredOption('-p, --project <name>', 'the project', parseFilled)
    .option('--name <name>', 'what the client calls it (default: the project’s name)')
    .option('--bridge', 'with --server: the bridge all the same, so that no variable needs to be set')
    .option('-C, --dir <dir>', 'the folder whose project files are meant', '.')
    .addOption(new Option('--scope <scope>', 'which of the client’s files').choices(['project', 'user']));
}
