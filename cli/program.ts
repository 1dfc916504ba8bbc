import { Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { asProblem } from '../schema/index.ts';
import { lockCommand } from './commands/lock/command.ts';
import { planCommand } from './commands/plan/command.ts';
import { reconcileCommand } from './commands/reconcile/command.ts';
import { statusCommand } from './commands/status/command.ts';
import { testMcpCommand } from './commands/test-mcp/command.ts';
import { upCommand } from './commands/up/command.ts';
import { validateCommand } from './commands/validate/command.ts';
import { type CliContext, type ExitCode, ExitCodes } from './context.ts';
import { showProblem } from './style.ts';

/**
 * The whole command line.
 * @returns a function from arguments (without `node` and the script) to the exit code; it never rejects
 */
export function createProgram(environment: Omit<CliContext, 'finish'>): (argv: readonly string[]) => Promise<ExitCode> {
  const { io } = environment;
  return async argv => {
    let code: ExitCode = ExitCodes.ok;
    const context: CliContext = {
      ...environment,
      finish(result) {
        code = result;
      },
    };
    const program = build(context);
    try {
      await program.parseAsync([...argv], { from: 'user' });
    } catch (error) {
      if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCodes.ok : ExitCodes.usage;
      const found = asProblem(error);
      io.stderr(showProblem(io, found));
      return found.code === 'USAGE'
        ? ExitCodes.usage
        : found.code === 'DAEMON_REFUSED'
          ? ExitCodes.denied
          : ExitCodes.failed;
    }
    return code;
  };
}

function build(context: CliContext): Command {
  const { io } = context;
  const program = new Command('mcpctl')
    .description(
      'GitOps for everything an AI client can reach: MCP servers, prompts and projects from one git repository',
    )
    .version(packageJson.version, '-V, --version')
    .helpCommand('help [command]', 'show help for a command')
    .showHelpAfterError('(run with --help for the options)');
  program.addCommand(upCommand(context));
  program.addCommand(validateCommand(context));
  program.addCommand(planCommand(context));
  program.addCommand(statusCommand(context));
  program.addCommand(reconcileCommand(context));
  program.addCommand(lockCommand(context));
  program.addCommand(new Command('test').summary('test an MCP server').addCommand(testMcpCommand(context)));
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
