import type { Command } from 'commander';
import { findKind, type KindRow, kindTable, type Scope } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { isRevisions } from '../../kinds.ts';
import { findRoot } from '../../repository-root.ts';
import { type Candidate, type Line, readLine } from './complete.ts';
import { environmentsOf, namesOf } from './names.ts';

export interface CompleteOptions extends CliContext {
  /** Of the command line, without `mcpctl`; the last one is being typed. */
  words: readonly string[];
  /** With the commands that the words name in full. */
  program: Command;
}

/**
 * Answer a shell: `word<TAB>what it is` on a line for each candidate, then `:none`, `:files` or `:dirs` for what the
 * shell may complete besides. Never fails; where nothing is known, there are no candidates.
 */
export function runComplete(context: CompleteOptions): ExitCode {
  const { io, cwd, words, program } = context;
  const line = readLine(program, words);
  const { candidates, also, wanted } = line.completion;
  const last = words.at(-1) ?? '';
  const current = last === '=' ? '' : last;
  const all = wanted === undefined ? candidates : lookUp(cwd, line, wanted, current.replace(/^--[^=]+=/, ''));
  const prefix = wanted === undefined ? '' : (/^--[^=]+=/.exec(current)?.[0] ?? '');
  const lines = all
    .map(({ word, about }) => ({ word: `${prefix}${word}`, about }))
    .filter(({ word }) => word.startsWith(current))
    .map(({ word, about }) => (about ? `${word}\t${about.replace(/\s+/g, ' ')}` : word));
  io.stdout(`${[...lines, `:${also}`].join('\n')}\n`);
  return ExitCodes.ok;
}

/** Kinds and names. @param wanted an option's long name, or an argument's name */
function lookUp(cwd: string, line: Line, wanted: string, current: string): Candidate[] {
  const { command, operands, options } = line;
  const root = findRoot(cwd, options.get('dir') ?? '.');
  const names = (row: KindRow, scope: Scope | undefined) =>
    root === undefined ? [] : namesOf(root, row, scope).filter(name => !operands.includes(name));
  const everywhere = (...kinds: string[]) =>
    kinds.flatMap(kind => {
      const row = findKind(kind);
      return row ? names(row, undefined).map(word => ({ word, about: kind })) : [];
    });
  const kindOrBoth = (word: string) => {
    const [kind = '', name] = word.split('/', 2);
    const row = name === undefined ? undefined : findKind(kind);
    return row && names(row, scopeOf(row, options)).map(one => ({ word: `${kind}/${one}` }));
  };
  switch (wanted) {
    case '--project':
      return everywhere('project');
    case '--agent':
      return everywhere('agent');
    case '--from-template':
      return everywhere('template');
    case '--environment':
      return root === undefined ? [] : environmentsOf(root).map(word => ({ word }));
    case 'server':
      return everywhere('server');
    case 'kind':
      return kindOrBoth(current) ?? [...kinds(), ...(besidesKinds[command.name()] ?? [])];
    case 'path':
      return command.name() === 'explain' ? kinds() : [];
    case 'name':
    case 'names': {
      if (command.name() === 'lock') return everywhere('server');
      if (command.name() === 'why') return everywhere('server', 'prompt', 'skill', 'project');
      // A name that is new, as that of `create server`, is nobody's to complete.
      let kind = command.registeredArguments.findIndex(argument => argument.name() === 'kind');
      if (isRevisions(operands[kind] ?? '')) {
        // `describe revision` takes a commit, `get revisions` a kind and a name.
        if (wanted === 'name') return [];
        kind += 1;
        if (operands[kind] === undefined) return kindOrBoth(current) ?? kinds();
      }
      const row = findKind(operands[kind] ?? '');
      return row ? names(row, scopeOf(row, options)).map(word => ({ word })) : [];
    }
    default:
      return [];
  }
}

/** What a command takes in place of a kind, and no file declares. */
const besidesKinds: Readonly<Record<string, readonly Candidate[]>> = {
  get: [
    { word: 'revisions', about: 'The commits that changed a resource' },
    { word: 'instances', about: 'What the daemon runs' },
    { word: 'proposals', about: 'What is proposed' },
    { word: 'all', about: 'Resources of every kind' },
  ],
  describe: [
    { word: 'instance', about: 'One that the daemon runs' },
    { word: 'revision', about: 'A commit' },
  ],
};

function kinds(): Candidate[] {
  return kindTable.map(({ singular, summary }) => ({ word: singular, about: summary }));
}

/** As `-p` and `-A` say; without them what is global, as for every command, unless nothing of the kind is. */
function scopeOf(row: KindRow, options: ReadonlyMap<string, string>): Scope | undefined {
  const project = options.get('project');
  const agent = options.get('agent');
  if (project !== undefined) return `project/${project}`;
  if (agent !== undefined) return `agent/${agent}`;
  return row.scopes.includes('global') && !options.has('all-scopes') ? 'global' : undefined;
}
