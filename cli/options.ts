import { type Command, InvalidArgumentError } from 'commander';

/** The options that name a running daemon: by what it follows, or as a gateway. */
export function daemonOptions(command: Command): Command {
  return gatewayOptions(command)
    .argument('[repo]', 'the repository that a daemon on this machine follows, as given to `mcpctl up`')
    .option('--ref <branch>', 'with REPO: the branch it follows', 'main')
    .option('--path <folder>', 'with REPO: the folder inside the repository', '')
    .option('--env, --environment <name>', 'with REPO: the environment it was started with');
}

/** The value of `--port`. @throws InvalidArgumentError */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('a port is a number from 0 to 65535.');
  return port;
}

/** A value that cannot be empty, as it is when a script’s variable is not set. @throws InvalidArgumentError */
export function parseFilled(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('it is empty; is the variable set that it came from?');
  return text;
}

/** The options that name a gateway, on this machine or elsewhere. */
export function gatewayOptions(command: Command): Command {
  return command
    .option('--server <url>', 'the gateway’s address (token: $MCPCTL_TOKEN, or that of `mcpctl login`)')
    .option('--context <name>', 'a context of ~/.mcpctl/config.yaml (default: the current one)')
    .option('--state-dir <dir>', 'the state directory of a daemon on this machine (default: the only one there is)');
}
