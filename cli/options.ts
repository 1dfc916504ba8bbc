import type { Command } from 'commander';

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
