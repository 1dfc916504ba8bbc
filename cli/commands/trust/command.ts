import { Command, Option } from 'commander';
import type { CliContext } from '../../context.ts';

/** `mcpctl trust`: the root of trust of a repository, and what this machine trusts. */
export function trustCommand(context: CliContext): Command {
  return new Command('trust')
    .description(
      'The root of trust: which keys may sign releases of a repository. Its first version is pinned on each machine ' +
        'by a fingerprint that travels another way; each further version is signed by the one before.',
    )
    .addHelpText('after', '\nExit codes: 0 ok · 1 failed · 2 wrong usage · 5 not trusted')
    .addCommand(initCommand(context))
    .addCommand(addCommand(context))
    .addCommand(rotateCommand(context))
    .addCommand(showCommand(context));
}

function initCommand(context: CliContext): Command {
  return new Command('init')
    .summary('make version 1 of the root')
    .description(
      'Write trust/root/1.json with one key that may do everything; `rotate` adds others. Without a key, one is made: ' +
        'ed25519, in ~/.mcpctl/keys/, without a passphrase (`ssh-keygen -p` gives it one).',
    )
    .option('--sign-key <file>', 'an SSH key: private, or the .pub of one that the ssh-agent or a security key has')
    .option('--name <name>', 'whose key it is (default: git’s user.name)')
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl trust init\n  $ mcpctl trust init --sign-key ~/.ssh/id_ed25519_sk.pub',
    )
    .action(async options => {
      const { runInit } = await import('./init.ts');
      context.finish(await runInit({ ...context, ...options }));
    });
}

function addCommand(context: CliContext): Command {
  return new Command('add')
    .summary('pin a repository’s root on this machine')
    .description(
      'Fetch the repository’s root of trust, check it against the fingerprint, and pin it: from now on this machine ' +
        'follows only signed releases of it.',
    )
    .argument('<repo>', 'a path or an address, as for `mcpctl up`')
    .option('--fingerprint <sha256>', '`sha256:…`, as `mcpctl trust show` prints it where the repository is made')
    .option('--gateway', 'the address is that of a gateway that hands out skills, for a machine without the repository')
    .option('--ref <branch>', 'the branch that has it', 'main')
    .option('--path <folder>', 'the folder inside the repository', '')
    .addHelpText(
      'after',
      `\nExamples:\n  $ mcpctl trust add https://git.example/ai.git --fingerprint sha256:${'0'.repeat(64)}`,
    )
    .action(async (repo: string, options) => {
      const { runAdd } = await import('./add.ts');
      context.finish(await runAdd({ ...context, ...options, repo }));
    });
}

function rotateCommand(context: CliContext): Command {
  const many = (value: string, before: string[]) => [...before, value];
  return new Command('rotate')
    .summary('make the next version of the root')
    .description(
      'Write the next version of the root, with keys added or taken away. Enough root keys of the version before, and ' +
        'of the new one, must sign: until they have, it is trust/root/<n>.draft.json, and each further holder runs ' +
        '`mcpctl trust rotate --sign-key KEY`. Afterwards run `mcpctl release`: earlier releases are void.',
    )
    .option('--add <role=file.pub>', 'give a key a role: root, release or renew; more than once', many, [])
    .option('--remove <key>', 'take a key away: its name or SHA256:…; more than once', many, [])
    .option('--name <name>', 'whose the added key is (default: the comment in its file)')
    .option('--threshold <n>', 'how many root keys must sign the next versions')
    .option('--sign-key <file>', 'a root key; more than once', many, [])
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcpctl trust rotate --add release=bob.pub\n  $ mcpctl trust rotate --remove alice --sign-key root.pub',
    )
    .action(async options => {
      const { runRotate } = await import('./rotate.ts');
      context.finish(await runRotate({ ...context, ...options }));
    });
}

function showCommand(context: CliContext): Command {
  return new Command('show')
    .summary('show the root, and what this machine trusts')
    .addOption(new Option('-o, --output <format>').choices(['text', 'json']).default('text'))
    .addHelpText('after', '\nExamples:\n  $ mcpctl trust show\n  $ mcpctl trust show -o json')
    .action(async options => {
      const { runShow } = await import('./show.ts');
      context.finish(await runShow({ ...context, ...options }));
    });
}
