import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';
import { parseFilled } from '../../options.ts';

/** `mcpctl skills`: skills of a repository on this machine’s disk. */
export function skillsCommand(context: CliContext): Command {
  return new Command('skills')
    .description('Bring the skills of a repository onto this disk, for Claude Code and other clients.')
    .addCommand(syncCommand(context))
    .addCommand(statusCommand(context))
    .addCommand(verifyCommand(context))
    .addCommand(diffCommand(context))
    .addCommand(pinCommand(context));
}

function syncCommand(context: CliContext): Command {
  return new Command('sync')
    .summary('install, update and remove skills')
    .description(
      'Bring the skills on this disk to what the repository has: global ones into ~/.claude/skills, those of the ' +
        'project named by --project or the nearest .mcpctl-project file into that folder’s .claude/skills. Skills that ' +
        'were edited here, and folders that mcpctl did not put there, are left alone and reported.',
    )
    .option('-p, --project <name>', 'the project; else the nearest .mcpctl-project file says it', parseFilled)
    .option('--from <repo>', 'where skills come from; remembered', parseFilled)
    .option('--gateway <url>', 'a gateway that hands them out, in place of a repository; remembered', parseFilled)
    .option('--ref <branch>', 'the branch that is followed; remembered', parseFilled)
    .option('--path <folder>', 'the repository’s folder inside the git repository; remembered')
    .addOption(new Option('--trust <mode>', 'what is relied on; remembered').choices(['open', 'forge', 'release']))
    .option('--target <client...>', 'clients whose folders are filled: claude, codex, agents; remembered')
    .option('--dry-run', 'only tell what would be done, and which scripts and hooks would run')
    .option('--force', 'also replace what was edited here; a copy of it is kept')
    .option('--skip-postinstall', 'run no script of a skill')
    .option('--sandbox', 'run scripts in bubblewrap: no network, and only the skill’s own folder can be written to')
    .option('--keep-orphans', 'keep skills that the repository does not have any more')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['table', 'json']).default('table'))
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl skills sync --from https://git.example.com/ai.git   # once; it is remembered
  $ mcpctl skills sync
  $ mcpctl skills sync --gateway https://mcp.example.com       # on a machine without access to the repository
  $ mcpctl skills sync -p demo --dry-run
  $ mcpctl skills sync -o json

Exit codes: 0 ok; also with --quiet when the network fails, and when only single skills fail · 1 network trouble, not
authorised, or an unknown project · 2 disk full, or the state cannot be saved · 5 not trusted: nothing was changed ·
130 stopped by Ctrl-C`,
    )
    .action(async options => {
      const { runSync } = await import('./sync.ts');
      context.finish(await runSync({ ...context, ...options }));
    });
}

function statusCommand(context: CliContext): Command {
  return new Command('status')
    .summary('show what is installed')
    .description(
      'Show every skill on this disk: its version, the release or commit it is of, who signed that, edited or not.',
    )
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['table', 'json']).default('table'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl skills status\n\nExit codes: 0 ok · 1 the state cannot be read · 2 wrong usage',
    )
    .action(async options => {
      const { runStatus } = await import('./status.ts');
      context.finish(await runStatus({ ...context, ...options }));
    });
}

function verifyCommand(context: CliContext): Command {
  return new Command('verify')
    .summary('hash every file of every skill')
    .description('Compare every file on this disk, and every pristine copy in the store, with what was installed.')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['table', 'json']).default('table'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl skills verify\n\nExit codes: 0 all is as installed · 1 something is not · 2 wrong usage',
    )
    .action(async options => {
      const { runVerify } = await import('./status.ts');
      context.finish(await runVerify({ ...context, ...options }));
    });
}

function diffCommand(context: CliContext): Command {
  return (
    new Command('diff')
      .summary('show what was edited in a skill')
      .description('Show how a skill on this disk differs from what was installed.')
      .argument('<name>', 'the skill')
      .option('--restore', 'put the release back; a copy of what it replaces is kept')
      .option('--adopt', 'make the edits a proposal, from a working tree of the repository')
      // As `propose` has them; that one’s code is not loaded before each sync.
      .option('-C, --dir <dir>', 'with --adopt: a folder of the working tree', '.')
      .option('--remote <name>', 'with --adopt: the remote that proposals are on', 'origin')
      .option('--branch <name>', 'with --adopt: the branch that is proposed for', 'main')
      .option('--exit-code', 'exit 3 when there are differences')
      .addHelpText(
        'after',
        `
Examples:
  $ mcpctl skills diff review
  $ mcpctl skills diff review --restore
  $ mcpctl skills diff review --adopt -C ~/src/ai

Exit codes: 0 ok · 1 there is no such skill · 2 wrong usage · 3 differences, with --exit-code`,
      )
      .action(async (name: string, options) => {
        if (options.adopt === true) {
          const { runAdopt } = await import('./adopt.ts');
          context.finish(await runAdopt({ ...context, ...options, name }));
          return;
        }
        const { runDiff } = await import('./diff.ts');
        context.finish(await runDiff({ ...context, ...options, name }));
      })
  );
}

function pinCommand(context: CliContext): Command {
  return new Command('pin')
    .summary('stay on one release')
    .description('Stay on one signed release, whichever is newest; the next sync brings the skills there.')
    .argument('[release]', 'its name, such as v1.2.0')
    .option('--newest', 'follow the newest release again')
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl skills pin v1.2.0
  $ mcpctl skills pin --newest

Exit codes: 0 ok · 1 failed · 2 wrong usage`,
    )
    .action(async (release: string | undefined, options) => {
      const { runPin } = await import('./pin.ts');
      context.finish(await runPin({ ...context, ...options, ...(release !== undefined && { release }) }));
    });
}
