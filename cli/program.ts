import { Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { asProblem, type ProblemCode } from '../schema/index.ts';
import { type CommandRow, commandTable } from './command-table.ts';
import { type CliContext, type ExitCode, ExitCodes } from './context.ts';
import { takeGlobals } from './globals.ts';
import { namedFolder } from './repository-root.ts';
import { showProblem } from './style.ts';
import { guarded } from './terminal.ts';

/**
 * The whole command line.
 * @returns a function from arguments (without `node` and the script) to the exit code; it never rejects
 */
export function createProgram(environment: Omit<CliContext, 'finish'>): (argv: readonly string[]) => Promise<ExitCode> {
  return async words => {
    let code: ExitCode = ExitCodes.ok;
    let verbose = false;
    let io = guarded(environment.io);
    try {
      const globals = takeGlobals(words, environment.cwd);
      verbose = globals.verbose;
      io = { ...io, quiet: globals.quiet };
      const limit = globals.timeoutMs === undefined ? undefined : AbortSignal.timeout(globals.timeoutMs);
      const context: CliContext = {
        ...environment,
        io,
        cwd: globals.cwd,
        signal: limit ? AbortSignal.any([environment.signal, limit]) : environment.signal,
        finish(result) {
          code = result;
        },
      };
      const work = runCommand(context, globals.argv);
      if (limit && (await Promise.race([work.then(() => false), expired(limit)]))) {
        io.stderr(`✗ given up after ${(globals.timeoutMs ?? 0) / 1000} s\n`);
        return ExitCodes.timedOut;
      }
      await work;
    } catch (error) {
      if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCodes.ok : ExitCodes.usage;
      // Whatever it is that did not come to its end then, nobody but who stopped it is to blame.
      if (environment.signal.aborted) {
        io.stderr('✗ stopped before it was done\n');
        return ExitCodes.stopped;
      }
      const found = asProblem(error);
      io.stderr(showProblem(io, found));
      if (verbose) io.stderr(causes(error));
      return codes[found.code] ?? ExitCodes.failed;
    }
    return code;
  };
}

/** What a problem that ends a command makes it exit with, unless it simply failed. */
const codes: Partial<Record<ProblemCode, ExitCode>> = {
  USAGE: ExitCodes.usage,
  DAEMON_REFUSED: ExitCodes.denied,
  REVIEW_NOT_ENTITLED: ExitCodes.denied,
  REVIEW_SELF_APPROVAL: ExitCodes.denied,
  NOT_TRUSTED: ExitCodes.denied,
  ROOT_NOT_PINNED: ExitCodes.denied,
  ROOT_INVALID: ExitCodes.denied,
  TRUST_UNUSABLE: ExitCodes.denied,
};

async function runCommand(context: CliContext, argv: readonly string[]): Promise<void> {
  const rows = commandTable.flatMap(({ commands }) => commands);
  // Help, completion, and what to say about a name that is none, need the others too.
  const named = rows.some(({ name, hidden }) => name === argv[0] && hidden !== true);
  const program = await buildProgram(
    context,
    ({ name }) => argv.includes(name),
    ({ name }) => !named || name === argv[0],
  );
  // The library's own `help` knows one level.
  const nested = argv[0] === 'help' && argv.length > 2;
  await program.parseAsync(nested ? [...argv.slice(1), '--help'] : [...argv], { from: 'user' });
}

/** Resolves with true when the time is up. */
function expired(limit: AbortSignal): Promise<boolean> {
  return new Promise(resolve => limit.addEventListener('abort', () => resolve(true), { once: true }));
}

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
 * @param known which ones there are at all
 */
export async function buildProgram(
  context: CliContext,
  wanted: (row: CommandRow) => boolean,
  known: (row: CommandRow) => boolean = () => true,
): Promise<Command> {
  const { io } = context;
  const program = new Command('mcpctl')
    .description(
      'GitOps for everything an AI client can reach: MCP servers, prompts and projects from one git repository',
    )
    .version(packageJson.version, '-V, --version')
    .option('-C, --dir <dir>', 'before a command: run it in this folder')
    .option('--path <folder>', 'before a command: run it in this folder of the repository')
    .option('--env <name>', 'with the commands that have it: with the patches of an environment')
    .option(
      '--server <url>',
      'with the commands that have it: the gateway that is meant; `--context` names a known one',
    )
    .option('--timeout <seconds>', 'before a command: give it up after this time, exit 4')
    .option('-q, --quiet', 'with any command: no progress, only results and problems')
    .option('-v, --verbose', 'with any command: show what caused a problem')
    .enablePositionalOptions()
    .helpCommand('help [command]', 'show help for a command')
    .showHelpAfterError('(run with --help for the options)')
    .hook('preAction', (_program, command) => {
      if (command.getOptionValueSource('dir') !== 'cli') return;
      namedFolder(context.cwd, command.opts<{ dir: string }>().dir, '-C');
    });
  for (const { heading, commands } of commandTable) {
    for (const row of commands.filter(known)) {
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
      outputError: (text, write) => write(`${text.replace(/^error: /, '✗ ')}${misplaced(command, text)}`),
    });
  });
  return program;
}

/** What to do about an option that only stands before a command, where an error says that a command does not know it. */
function misplaced(command: Command, error: string): string {
  const option = /unknown option '(-C|--dir|--path|--timeout)'/.exec(error)?.[1];
  if (option === undefined) return '';
  const names: string[] = [];
  for (let one = command; one.parent; one = one.parent) names.unshift(one.name());
  return `  → It stands before the command: mcpctl ${option} … ${names.join(' ')}\n`;
}

function forAll(command: Command, apply: (command: Command) => void): void {
  apply(command);
  for (const child of command.commands) forAll(child, apply);
}
