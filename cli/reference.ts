import type { Argument, Command, Option } from 'commander';
import { type CommandRow, commandTable } from './command-table.ts';
import type { CliContext } from './context.ts';
import { buildProgram } from './program.ts';

/** One page of the reference. */
export interface Page {
  /** Below `docs/cli/`. */
  file: string;
  text: string;
}

/** Everything that a command's help says. */
export interface CommandHelp {
  /** `mcpctl test mcp`. */
  name: string;
  command: Command;
  /** Command lines, each beginning with `mcpctl`; a comment may be behind it. */
  examples: string[];
  /** `0 ok · 1 failed`; as its parent says when it does not say itself. */
  exitCodes: string;
}

const context: CliContext = {
  io: { stdout: () => {}, stderr: () => {}, isTTY: false, colour: false },
  env: {},
  cwd: '/',
  signal: new AbortController().signal,
  finish: () => {},
};

/** What every command's help says, commands of commands included, in the order of `mcpctl --help`. */
export async function readHelp(): Promise<CommandHelp[]> {
  const program = await buildProgram(context, ({ hidden }) => hidden !== true);
  const shown = program.createHelp().visibleCommands(program);
  return shown.filter(command => command.name() !== 'help').flatMap(command => withChildren(command, 'mcpctl', ''));
}

function withChildren(command: Command, parent: string, parentCodes: string): CommandHelp[] {
  const name = `${parent} ${command.name()}`;
  const after = textAfterHelp(command);
  const help: CommandHelp = {
    name,
    command,
    examples: [...after.matchAll(/^\s+\$ (mcpctl .*)$/gm)].map(match => match[1] ?? ''),
    exitCodes: /^Exit codes: (.*(?:\n(?! *$).*)*)/m.exec(after)?.[1]?.replace(/\s+/g, ' ') ?? parentCodes,
  };
  return [help, ...command.commands.flatMap(child => withChildren(child, name, help.exitCodes))];
}

/** What a command adds to the help that is made from its options. */
function textAfterHelp(command: Command): string {
  let text = '';
  const write = (part: string) => {
    text += part;
  };
  command.configureOutput({ writeOut: write, writeErr: write });
  command.outputHelp();
  return text.slice(command.helpInformation().length);
}

/** The pages of the reference: one for each command, and a list of them. */
export async function referencePages(): Promise<Page[]> {
  const helps = await readHelp();
  return [
    { file: 'README.md', text: overview() },
    ...helps.map(help => ({ file: fileOf(help.name), text: page(help) })),
  ];
}

function fileOf(name: string): string {
  return `${name.split(' ').slice(1).join('-')}.md`;
}

function overview(): string {
  const groups = commandTable.map(({ heading, commands }) => {
    const rows = commands.filter(({ hidden }) => hidden !== true).map(overviewRow);
    return `## ${heading.replace(/:$/, '')}\n\n| | |\n| --- | --- |\n${rows.join('\n')}\n`;
  });
  return `${note}
# The command line

\`mcpctl COMMAND --help\` says the same as these pages. stdout is the result, stderr the progress. Exit codes, unless a
command says otherwise: 0 ok · 1 failed · 2 wrong usage · 3 differences found (with \`--exit-code\`) · 4 timed out ·
5 denied.

${groups.join('\n')}`;
}

function overviewRow({ name, summary }: CommandRow): string {
  return `| [\`mcpctl ${name}\`](${name}.md) | ${cell(summary)} |`;
}

function page({ name, command, examples, exitCodes }: CommandHelp): string {
  const help = command.createHelp();
  const usage = `${name} ${command.usage()}`;
  const parts = [
    note,
    `# ${name}\n`,
    `${command.description() || help.subcommandDescription(command)}\n`,
    `\`\`\`\n${usage}\n\`\`\`\n`,
  ];
  if (command.commands.length > 0) {
    const rows = command.commands.map(
      child =>
        `| [\`${name} ${child.name()}\`](${fileOf(`${name} ${child.name()}`)}) | ${cell(help.subcommandDescription(child))} |`,
    );
    parts.push(section('Commands', rows));
  }
  const args = command.registeredArguments.map(one => argumentRow(one, help.argumentDescription(one)));
  if (args.length > 0) parts.push(section('Arguments', args));
  parts.push(
    section(
      'Options',
      help.visibleOptions(command).map(one => optionRow(one, help.optionDescription(one))),
    ),
  );
  if (examples.length > 0)
    parts.push(`## Examples\n\n\`\`\`console\n${examples.map(one => `$ ${one}`).join('\n')}\n\`\`\`\n`);
  if (exitCodes !== '') parts.push(`## Exit codes\n\n${exitCodes}\n`);
  return parts.join('\n');
}

const note = '<!-- Generated from the command line itself by `npm run generate`. -->\n';

function section(title: string, rows: readonly string[]): string {
  return `## ${title}\n\n| | |\n| --- | --- |\n${rows.join('\n')}\n`;
}

function argumentRow(argument: Argument, description: string): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return `| \`${argument.required ? `<${name}>` : `[${name}]`}\` | ${cell(description)} |`;
}

function optionRow({ flags }: Option, description: string): string {
  return `| \`${flags.replaceAll('|', '\\|')}\` | ${cell(description)} |`;
}

/** Text in a cell of a table: on one line, and nothing in it is markup but what is in backticks. */
function cell(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .split(/(`[^`]*`)/)
    .map(part => (part.startsWith('`') ? part : part.replaceAll('<', '&lt;').replaceAll('*', '\\*')))
    .join('')
    .replaceAll('|', '\\|');
}
