import { type Command, InvalidArgumentError } from 'commander';

/** The options that name a running daemon. */
export function daemonOptions(command: Command): Command {
  return command
    .argument('[repo]', 'the repository it follows, as given to `mcpctl up` (default: the only daemon there is)')
    .option('--ref <branch>', 'the branch it follows', 'main')
    .option('--path <folder>', 'the folder inside the repository', '')
    .option('--state-dir <dir>', 'its state directory');
}

export interface DaemonOptions {
  repository?: string;
  ref: string;
  path: string;
  stateDir?: string;
}

/** The value of `--port`. @throws InvalidArgumentError */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('a port is a number from 0 to 65535.');
  return port;
}

/** The options that name a gateway, on this machine or elsewhere. */
export function gatewayOptions(command: Command): Command {
  return command
    .option('--server <url>', 'the gateway’s address (token: $MCPCTL_TOKEN, or that of `mcpctl login`)')
    .option('--context <name>', 'a context of ~/.mcpctl/config.yaml (default: the current one)')
    .option('--state-dir <dir>', 'the state directory of a daemon on this machine (default: the only one there is)');
}
