import type { Argument, Command, Option } from 'commander';

/** One word that could stand where the cursor is. */
export interface Candidate {
  word: string;
  /** What it is, in a few words. */
  about?: string;
}

/** What stands where the cursor is: words that are known, or something that the command line does not know by itself. */
export interface Completion {
  candidates: Candidate[];
  /** Paths that the shell completes itself. */
  also: 'none' | 'files' | 'dirs';
  /** What has to be looked up: names of options (`--project`) and of arguments (`kind`, `names`). */
  wanted?: string;
}

/** A command line as far as it is typed. */
export interface Line {
  command: Command;
  /** Arguments before the cursor. */
  operands: string[];
  /** Values of options before the cursor, by the option's long name. */
  options: Map<string, string>;
  completion: Completion;
}

const nothing: Completion = { candidates: [], also: 'none' };

/** Values that are paths, by the name that help shows for them. */
const DIRECTORIES = new Set(['dir', 'folder']);
const FILES = new Set(['file', 'repo']);

/**
 * Read the words of a command line and tell what could stand last, before its beginning is looked at.
 * @param program with the commands that the words name in full
 * @param words without `mcpctl`; the last one is being typed
 */
export function readLine(program: Command, words: readonly string[]): Line {
  // bash makes words of their own of `=`.
  const typed = words.filter((word, index) => word !== '=' || index === words.length - 1);
  const before = typed.slice(0, -1);
  const current = typed.at(-1) === '=' ? '' : (typed.at(-1) ?? '');
  const line: Line = { command: program, operands: [], options: new Map(), completion: nothing };
  let open: Option | undefined;
  let operandsOnly = false;
  for (const word of before) {
    if (open) {
      line.options.set(open.name(), word);
      open = undefined;
    } else if (word === '--') operandsOnly = true;
    else if (!operandsOnly && word.startsWith('-') && word !== '-') open = readOption(line, word);
    else readOperand(line, word);
  }
  const assigned = /^(--[^=]+)=/.exec(current);
  if (open) line.completion = optionValue(open);
  else if (assigned && !operandsOnly) {
    const option = findOption(line.command, assigned[1] ?? '');
    const { candidates, ...rest } = option ? optionValue(option) : nothing;
    line.completion = { ...rest, candidates: candidates.map(one => ({ ...one, word: `${assigned[0]}${one.word}` })) };
  } else if (current.startsWith('-') && !operandsOnly)
    line.completion = { ...nothing, candidates: optionsOf(line.command) };
  else line.completion = operand(line);
  return line;
}

/** @returns the option, when its value is the next word */
function readOption({ command, options }: Line, word: string): Option | undefined {
  const [flag = '', value] = word.split(/=(.*)/s);
  const option = findOption(command, flag);
  if (!option) return undefined;
  if (option.required && value === undefined) return option;
  options.set(option.name(), value ?? '');
  return undefined;
}

function findOption(command: Command, flag: string): Option | undefined {
  for (let one: Command | null = command; one; one = one.parent) {
    const option = one.options.find(({ short, long }) => short === flag || long === flag);
    if (option) return option;
  }
  return undefined;
}

function readOperand(line: Line, word: string): void {
  const child = line.operands.length === 0 ? line.command.commands.find(one => one.name() === word) : undefined;
  // `help x` is completed as `x` is.
  if (child) line.command = child;
  else if (word !== 'help' || line.command.parent) line.operands.push(word);
}

function optionsOf(command: Command): Candidate[] {
  const help = command.createHelp();
  return help.visibleOptions(command).map(option => ({ word: option.long ?? option.flags, about: option.description }));
}

function optionValue({ argChoices, flags, long }: Option): Completion {
  if (argChoices) return { ...nothing, candidates: argChoices.map(word => ({ word })) };
  const value = /<([^>]+)>/.exec(flags)?.[1] ?? '';
  if (long !== '--path' && DIRECTORIES.has(value)) return { ...nothing, also: 'dirs' };
  if (FILES.has(value)) return { ...nothing, also: 'files' };
  return long === undefined ? nothing : { ...nothing, wanted: long };
}

function operand({ command, operands }: Line): Completion {
  if (command.commands.length > 0) {
    if (operands.length > 0) return nothing;
    const help = command.createHelp();
    const commands = help.visibleCommands(command).filter(one => command.parent === null || one.name() !== 'help');
    return {
      ...nothing,
      candidates: commands.map(one => ({ word: one.name(), about: help.subcommandDescription(one) })),
    };
  }
  const argument: Argument | undefined =
    command.registeredArguments[operands.length] ?? command.registeredArguments.findLast(({ variadic }) => variadic);
  if (!argument) return nothing;
  if (argument.argChoices) return { ...nothing, candidates: argument.argChoices.map(word => ({ word })) };
  const name = argument.name();
  if (DIRECTORIES.has(name)) return { ...nothing, also: 'dirs' };
  return FILES.has(name) ? { ...nothing, also: 'files' } : { ...nothing, wanted: name };
}
