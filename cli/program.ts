import { Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { asProblem } from '../schema/index.ts';
import { type CommandRow, commandTable } from './command-table.ts';
import { type CliContext, type ExitCode, ExitCodes } from './context.ts';
import { showProblem } from './style.ts';

/**
 * The whole command line.
 * @returns a function from arguments (without `node` and the script) to the exit code; it never rejects
 */
export function createProgram(environment: Omit<CliContext, 'finish'>): (argv: readonly string[]) => Promise<ExitCode> {
  return async words => {
    const { quiet, verbose, argv } = takeGlobals(words);
    const io = { ...environment.io, quiet };
    let code: ExitCode = ExitCodes.ok;
    const context: CliContext = {
      ...environment,
      io,
      finish(result) {
        code = result;
      },
    };
    try {
      const program = await buildProgram(context, ({ name }) => argv.includes(name));
      // The library's own `help` knows one level.
      const nested = argv[0] === 'help' && argv.length > 2;
      await program.parseAsync(nested ? [...argv.slice(1), '--help'] : argv, { from: 'user' });
    } catch (error) {
      if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCodes.ok : ExitCodes.usage;
      const found = asProblem(error);
      io.stderr(showProblem(io, found));
      if (verbose) io.stderr(causes(error));
      return found.code === 'USAGE'
        ? ExitCodes.usage
        : found.code === 'DAEMON_REFUSED'
          ? ExitCodes.denied
          : ExitCodes.failed;
    }
    return code;
  };
}

/** The options that every command takes, wherever they stand before a `--`. */
function takeGlobals(words: readonly string[]): { quiet: boolean; verbose: boolean; argv: string[] } {
  const end = words.includes('--') ? words.indexOf('--') : words.length;
  const mine = words.slice(0, end);
  const has = (...names: string[]) => mine.some(word => names.includes(word));
  const argv = mine.filter(word => !GLOBALS.has(word)).concat(words.slice(end));
  return { quiet: has('-q', '--quiet'), verbose: has('-v', '--verbose'), argv };
}

const GLOBALS = new Set(['-q', '--quiet', '-v', '--verbose']);

/** An error and what caused it, with where each came from. */
function causes(error: unknown): string {
  const lines: string[] = [];
  for (let one = error; one instanceof Error && lines.length < 10; one = one.cause)
    lines.push(one.stack ?? one.message);
  return lines.length === 0 ? '' : `${lines.join('\ncaused by: ')}\n`;
}

/**
 * The tree of commands. @param wanted which ones are needed in full; the others are only a name and a summary, and
 * their code is not loaded
 */
export async function buildProgram(context: CliContext, wanted: (row: CommandRow) => boolean): Promise<Command> {
  const { io } = context;
  const program = new Command('mcpctl')
    .description(
      'GitOps for everything an AI client can reach: MCP servers, prompts and projects from one git repository',
    )
    .version(packageJson.version, '-V, --version')
    .option('-q, --quiet', 'with any command: no progress, only results and problems')
    .option('-v, --verbose', 'with any command: show what caused a problem')
    .helpCommand('help [command]', 'show help for a command')
    .showHelpAfterError('(run with --help for the options)');
  for (const { heading, commands } of commandTable) {
    for (const row of commands) {
      const command = wanted(row) ? await row.load(context) : new Command(row.name);
      command.summary(row.summary).helpGroup(heading);
      program.addCommand(command, { hidden: row.hidden === true });
    }
  }
  forAll(program, command => {
    command.exitOverride();
    command.configureOutput({
      writeOut: text => io.stdout(text),
      writeErr: text => io.stderr(text),
      outputError: (text, write) => write(text.replace(/^error: /, '✗ ')),
    });
  });
  return program;
}

function forAll(command: Command, apply: (command: Command) => void): void {
  apply(command);
  for (const child of command.commands) forAll(child, apply);
}
