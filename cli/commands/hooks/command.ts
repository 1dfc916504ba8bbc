import { Command, InvalidArgumentError } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl hooks …`: let git check what is committed and pushed. */
export function hooksCommand(context: CliContext): Command {
  const hooks = new Command('hooks')
    .description(
      'Let git check what is committed and pushed. In a clone: pre-commit, pre-push and commit-msg. In a bare repository, ' +
        'with --bare: pre-receive, which refuses what is not valid or lacks the approvals that policy asks for, and ' +
        'post-receive, which tells the daemon. A hook that is there already is kept and runs first.',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl hooks install
  $ mcpctl hooks install --bare -C /srv/git/ai.git
  $ mcpctl hooks uninstall

Exit codes: 0 ok · 1 failed · 2 wrong usage`,
    );
  hooks.addCommand(install(context));
  hooks.addCommand(uninstall(context));
  hooks.addCommand(run(context), { hidden: true });
  return hooks;
}

function install(context: CliContext): Command {
  return new Command('install')
    .summary('install the hooks')
    .description('Install the hooks of a clone, or with --bare those of a bare repository. Doing it again renews them.')
    .option('-C, --dir <dir>', 'the repository', '.')
    .option('--bare', 'the hooks of a bare repository, which others push to')
    .option('--path <folder>', 'the folder inside the repository that has mcpctl.yaml', '')
    .option('--branch <name>', 'the branch that is followed', 'main')
    .option('--state-dir <dir>', 'with --bare: the state directory of the daemon to tell')
    .option(
      '--pusher-env <name>',
      'with --bare: the variable in which the server names who pushes (such as REMOTE_USER); programs and strangers may then write proposals only',
      parseVariable,
    )
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl hooks install
  $ mcpctl hooks install --bare -C /srv/git/ai.git --state-dir /var/lib/mcpctl --pusher-env REMOTE_USER

Exit codes: 0 ok · 1 failed · 2 wrong usage`,
    )
    .action(async options => {
      const { runInstall } = await import('./install.ts');
      context.finish(await runInstall({ ...context, ...options }));
    });
}

function uninstall(context: CliContext): Command {
  return new Command('uninstall')
    .summary('remove the hooks')
    .description('Remove the hooks that `install` put there; what was there before takes their place again.')
    .option('-C, --dir <dir>', 'the repository', '.')
    .addHelpText('after', '\nExamples:\n  $ mcpctl hooks uninstall\n\nExit codes: 0 ok · 1 failed · 2 wrong usage')
    .action(async options => {
      const { runUninstall } = await import('./install.ts');
      context.finish(await runUninstall({ ...context, ...options }));
    });
}

/** What the hooks call. */
function run(context: CliContext): Command {
  return new Command('run')
    .summary('do what a hook does')
    .description('Do what a hook does; git’s arguments follow, and its input is read from stdin.')
    .argument('<hook>', 'pre-commit, pre-push, commit-msg or pre-receive')
    .argument('[arguments...]', 'as git gives them')
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl hooks run pre-commit\n\nExit codes: 0 git may go on · 1 it may not · 2 wrong usage',
    )
    .action(async (hook: string, given: string[]) => {
      const { runHook } = await import('./run.ts');
      context.finish(await runHook({ ...context, hook, given }));
    });
}

function parseVariable(text: string): string {
  if (!/^[A-Z_][A-Z0-9_]{0,63}$/.test(text)) throw new InvalidArgumentError('the name of an environment variable.');
  return text;
}
