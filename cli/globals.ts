import { ProblemError, problem } from '../schema/index.ts';
import { namedFolder } from './repository-root.ts';

/** What stands on a command line for whichever command it is. */
export interface Globals {
  quiet: boolean;
  verbose: boolean;
  /** The folder that the command runs in. */
  cwd: string;
  /** Milliseconds after which the command is given up; none unless given. */
  timeoutMs: number | undefined;
  /** The command and its own arguments. */
  argv: string[];
}

/** Before the command, as git has them: each takes a value. */
const valued: Readonly<Record<string, 'dir' | 'path' | 'timeout'>> = {
  '-C': 'dir',
  '--dir': 'dir',
  '--path': 'path',
  '--timeout': 'timeout',
};
/** Options of many commands, which may stand before the command too, and are handed on to it. */
const handedOn = new Set(['--server', '--context', '--env', '--environment']);
const flags: Readonly<Record<string, 'quiet' | 'verbose'>> = {
  '-q': 'quiet',
  '--quiet': 'quiet',
  '-v': 'verbose',
  '--verbose': 'verbose',
};

/**
 * Take the options that every command has: `-q` and `-v` wherever they stand before a `--`; `-C`, `--path` and
 * `--timeout` before the command (behind it they are the command's own). Options of many commands that stand before
 * the command are put behind it.
 * @throws ProblemError USAGE
 */
export function takeGlobals(words: readonly string[], cwd: string): Globals {
  const late: string[] = [];
  const globals: Globals = { quiet: false, verbose: false, cwd, timeoutMs: undefined, argv: [] };
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (word === '--') {
      globals.argv.push(...late.splice(0), ...words.slice(index));
      break;
    }
    const flag = flags[word];
    const [name = '', inline] = word.startsWith('--') ? word.split(/=(.*)/s) : [word];
    const option = globals.argv.length === 0 ? valued[name] : undefined;
    if (flag) globals[flag] = true;
    else if (option) take(globals, option, name, inline ?? words[++index]);
    else if (globals.argv.length === 0 && handedOn.has(name)) late.push(name, needed(name, inline ?? words[++index]));
    else globals.argv.push(word);
  }
  globals.argv.push(...late);
  return globals;
}

function needed(name: string, value: string | undefined): string {
  if (value === undefined) throw usage(`${name} needs a value`);
  return value;
}

function take(globals: Globals, option: 'dir' | 'path' | 'timeout', name: string, value: string | undefined): void {
  const given = needed(name, value);
  if (option !== 'timeout') globals.cwd = namedFolder(globals.cwd, given, name);
  else {
    const seconds = Number(given);
    if (!/^\d+(\.\d+)?$/.test(given) || seconds <= 0 || seconds > 86_400) {
      throw usage(`--timeout takes a number of seconds from above 0 to 86400, not ${given}`);
    }
    globals.timeoutMs = seconds * 1000;
  }
}

function usage(message: string): ProblemError {
  return new ProblemError(problem('USAGE', message));
}
