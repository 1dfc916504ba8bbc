import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl release [VERSION]`: sign what `HEAD` has. */
export function releaseCommand(context: CliContext): Command {
  return signingOptions(new Command('release'))
    .description(
      'Make a signed release of the last commit: give every changed resource its next version, write the manifest, and ' +
        'sign a tag. Versions follow the `Bump:` and `Version:` trailers of the commits since the last release; what ' +
        'they come to is shown before anything is signed.',
    )
    .argument('[version]', 'the release’s own version (default: the last one raised by its largest bump; first 0.1.0)')
    .option('--bump <what>', '`major`, or `RESOURCE=minor`, or `RESOURCE=1.2.0`; more than once', many, [])
    .option('--renew', 'the same content once more, with a later expiry')
    .option('--previous <release>', 'the release to follow, where the newest is not one of yours')
    .addOption(new Option('-o, --output <format>').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl release --dry-run\n  $ mcpctl release --bump skill/review=minor --push\n' +
        '  $ mcpctl release 1.0.0 --sign-key ~/.ssh/id_ed25519_sk.pub\n  $ mcpctl release notes v1.0.0' +
        '\n\nExit codes: 0 ok · 1 failed, nothing was tagged · 2 wrong usage · 5 the key may not sign releases',
    )
    .addCommand(notesCommand(context))
    .action(async (version: string | undefined, options) => {
      const { runRelease } = await import('./run.ts');
      context.finish(await runRelease({ ...context, ...options, ...(version !== undefined && { version }) }));
    });
}

/** What `release` and `rollback` have in common. */
export function signingOptions(command: Command): Command {
  return command
    .option('--dry-run', 'show what would be released, and sign nothing')
    .option('--sign-key <file>', 'an SSH key: private, or the .pub of one that the ssh-agent or a security key has')
    .option('--push', 'push the release in one step: all of it, or nothing')
    .option('--remote <name>', 'where to push', 'origin')
    .option('--expires <duration>', 'how long it is trusted, such as 90d (default: `release.expires` of mcpctl.yaml)');
}

function many(value: string, before: string[]): string[] {
  return [...before, value];
}

function notesCommand(context: CliContext): Command {
  return new Command('notes')
    .summary('tell what changed in a release')
    .description('List, for each resource that a release changed, the subjects of the commits that changed it.')
    .argument('<release>', 'a release, such as v1.2.0')
    .addOption(new Option('-o, --output <format>').choices(['text', 'json']).default('text'))
    .addHelpText('after', '\nExamples:\n  $ mcpctl release notes v1.2.0')
    .action(async (release: string, options) => {
      const { runNotes } = await import('./notes.ts');
      context.finish(await runNotes({ ...context, ...options, release }));
    });
}
