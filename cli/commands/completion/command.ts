import { Argument, Command } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl completion SHELL`: the script that makes a shell complete commands, options and names. */
export function completionCommand(context: CliContext): Command {
  return new Command('completion')
    .description(
      'Print a script that makes a shell complete commands, options, kinds, and the names of the repository that the ' +
        'current folder is in.',
    )
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl completion bash > ~/.local/share/bash-completion/completions/mcpctl
  $ mcpctl completion zsh > ~/.zfunc/_mcpctl     # with fpath+=~/.zfunc before compinit
  $ mcpctl completion fish > ~/.config/fish/completions/mcpctl.fish

Exit codes: 0 ok · 2 wrong usage`,
    )
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { scripts } = await import('./scripts.ts');
      context.io.stdout(scripts[shell]);
    });
}

/** `mcpctl __complete -- WORD…`: what those scripts ask. */
export function completeCommand(context: CliContext): Command {
  return new Command('__complete').argument('[words...]').action(async (words: string[], _options, self: Command) => {
    const { runComplete } = await import('./run.ts');
    // The words are among the arguments, so the commands they name are there in full.
    context.finish(runComplete({ ...context, words, program: self.parent ?? self }));
  });
}
