import { isIP } from 'node:net';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { CliContext } from '../../context.ts';
import { parsePort } from '../../options.ts';
import { ROLES, type Role } from './roles.ts';

/** `mcpctl up [REPO]`: reconcile and serve, in one process, until it is told to stop. */
export function upCommand(context: CliContext): Command {
  return new Command('up')
    .description(
      'Follow a git repository: fetch its branch, run the servers it declares, and serve them to MCP clients on a ' +
        'loopback address. REPO is a path, a file://, http://, https:// or ssh:// URL, or git@host:path; a folder that ' +
        'is no repository of its own is followed as it lies there.',
    )
    .argument('[repo]', 'path or URL of the repository', '.')
    .option('--ref <branch>', 'the branch to follow', 'main')
    .option('--path <folder>', 'the folder inside the repository that has mcpctl.yaml', '')
    .option('--env, --environment <name>', 'with the patches of an environment')
    .option('--state-dir <dir>', 'where the daemon keeps its state (default: below ~/.mcpctl/state)')
    .option('--port <port>', 'the gateway’s port; 0 takes any free one', parsePort, 3100)
    .addOption(
      new Option('--runtime <name>', 'where servers run that name no runtime; `memory` only pretends')
        .choices(['process', 'docker', 'kubernetes', 'memory'])
        .default('process'),
    )
    .addOption(
      new Option('--drift <policy>', 'what is done about instances that somebody changed')
        .choices(['correct', 'report'])
        .default('correct'),
    )
    .option(
      '--roles <roles>',
      'what this process does, separated by commas: `reconciler` makes what is declared, `gateway` serves it; a gateway ' +
        'alone serves what another process has made in a Kubernetes cluster',
      parseRoles,
      [...ROLES],
    )
    .option(
      '--listen <address>',
      'the address that the gateway listens on; others than loopback can be reached by others',
      parseAddress,
      '127.0.0.1',
    )
    .option(
      '--host-name <name>',
      'a name or name:port by which clients reach the gateway, besides its own address; may be repeated',
      collectHostName,
    )
    .option('--poll <seconds>', 'how often the remote is asked, ± 10 %', parseSeconds, 60)
    .option(
      '--host-key <fingerprint>',
      'pin this key of the ssh host (SHA256:…) instead of those pinned before; may be repeated',
      collectFingerprint,
    )
    .option(
      '--notify <url>',
      'post signed notifications to this http(s) URL, which may be local; may be repeated',
      collectNotifyUrl,
    )
    .option(
      '--backoff <seconds>',
      'how long to wait after each failing start of a server, ± 10 %; the last one repeats (default: what mcpctl.yaml ' +
        'says, or 30,30,30,30,30,300)',
      parseDelays,
    )
    .option('--drain <seconds>', 'how long calls under way may hold up the end of their server', parseSeconds, 10)
    .option('--allow-rollback', 'with a pinned root: accept the newest trusted release though it is below the last one')
    .option('--once', 'wait until everything is Ready, print the status, stop everything, exit')
    .option('--timeout <seconds>', 'with --once: how long to wait for Ready', parseSeconds, 120)
    .addOption(
      new Option('-o, --output <format>', 'how the status is printed').choices(['table', 'json']).default('table'),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ mcpctl up example-repo --once            # does everything start?
  $ mcpctl up https://git.example.com/ai.git # follow main, poll every minute
  $ mcpctl up git@git.example.com:ai.git --host-key SHA256:jXs6Y0GkKzm1Y1fFqkcPLrIuqkkXdSMRzAHXnYDh0x8
  $ mcpctl up ./ai.git --port 0 --poll 10
  $ mcpctl up example-repo --once --runtime memory   # a rehearsal: nothing is really started
  $ mcpctl up git@git.example.com:ai.git --runtime kubernetes --roles gateway --listen 0.0.0.0 --host-name ai.example.com

Exit codes: 0 stopped or all Ready · 1 failed · 2 wrong usage · 4 not Ready in time`,
    )
    .action(async (repository: string, options) => {
      const { runUp } = await import('./run.ts');
      context.finish(await runUp({ ...context, repository, ...options }));
    });
}

function parseRoles(text: string): Role[] {
  const roles = ROLES.filter(role => text.split(',').includes(role));
  if (roles.length === 0 || roles.length !== text.split(',').length) {
    throw new InvalidArgumentError('`reconciler`, `gateway`, or both separated by a comma.');
  }
  return roles;
}

function parseAddress(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError('an IP address, such as 0.0.0.0 for all of IPv4.');
  return text;
}

function collectHostName(text: string, before: string[] | undefined): string[] {
  if (!/^[a-z0-9]([a-z0-9.-]{0,252})(:\d{1,5})?$/i.test(text)) throw new InvalidArgumentError('name or name:port.');
  return [...(before ?? []), text];
}

function collectFingerprint(text: string, before: string[] | undefined): string[] {
  if (!/^SHA256:[A-Za-z0-9+/]{43}$/.test(text)) {
    throw new InvalidArgumentError('SHA256: and 43 characters, as `ssh-keygen -l` and forges show it.');
  }
  return [...(before ?? []), text];
}

function collectNotifyUrl(text: string, before: string[] | undefined): string[] {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new InvalidArgumentError('an http(s) URL without a user or password.');
  }
  return [...(before ?? []), url.href];
}

function parseDelays(text: string): number[] {
  const delays = text.split(',').map(Number);
  const fit = delays.every(seconds => seconds > 0 && seconds <= 86_400) && delays.length <= 32;
  if (!fit || !/^[\d.,]+$/.test(text)) throw new InvalidArgumentError('seconds, such as 30,30,300.');
  return delays;
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || seconds <= 0 || seconds > 86_400) {
    throw new InvalidArgumentError('a number of seconds from above 0 to 86400.');
  }
  return seconds;
}
