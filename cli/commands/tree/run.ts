import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { loadCatalog, type Place } from '../../load-catalog.ts';
import { paint } from '../../style.ts';
import { type Fault, type MemberNode, type ProjectNode, type ServerNode, type Tree, treeOf } from './model.ts';

export interface TreeOptions extends CliContext, Place {
  output: 'tree' | 'json';
}

/** A line with what hangs below it. */
interface Branch {
  text: string;
  below: Branch[];
}

/**
 * Show who serves what. JSON: `{ repository, projects, unused }`.
 * @throws ProblemError those of `loadCatalog`
 */
export async function runTree(options: TreeOptions): Promise<ExitCode> {
  const { io, output } = options;
  const tree = treeOf(await loadCatalog(options, options));
  io.stdout(output === 'json' ? `${JSON.stringify(tree, undefined, 2)}\n` : draw(options, tree));
  return ExitCodes.ok;
}

function draw({ io }: TreeOptions, { repository, projects, unused }: Tree): string {
  const mark = (fault: Fault | undefined) => (fault ? paint(io, 'red', `  ✗ ${fault}`) : '');
  const dim = (text: string) => (text === '' ? '' : `  ${paint(io, 'dim', text)}`);

  function server({ name, transport = '', source = '', secrets, fault }: ServerNode): Branch {
    const below = secrets.map(secret => ({ text: `secret ${secret}`, below: [] }));
    return { text: `${name}${dim([transport, source].filter(Boolean).join(' · '))}${mark(fault)}`, below };
  }
  function member({ name, scope, fault }: MemberNode): Branch {
    return { text: `${name}${dim(scope === 'global' ? '' : 'its own')}${mark(fault)}`, below: [] };
  }
  function project({ name, description = '', servers, prompts, skills, fault }: ProjectNode): Branch {
    const below = [
      { text: 'servers', below: servers.map(server) },
      { text: 'prompts', below: prompts.map(member) },
      { text: 'skills', below: skills.map(member) },
    ].filter(group => group.below.length > 0);
    return { text: `${paint(io, 'bold', `project ${name}`)}${dim(description)}${mark(fault)}`, below };
  }

  const heading = `repository ${repository || '(without an id)'}`;
  const parts = [lines({ text: paint(io, 'bold', heading), below: projects.map(project) })];
  if (unused.length > 0) {
    const below = unused.map(text => ({ text, below: [] }));
    parts.push(lines({ text: paint(io, 'yellow', 'unused: nothing names them'), below }));
  }
  return parts.join('\n');
}

function lines({ text, below }: Branch): string {
  return `${text}\n${hang(below, '')}`;
}

function hang(branches: readonly Branch[], indent: string): string {
  return branches
    .map(({ text, below }, index) => {
      const last = index === branches.length - 1;
      return `${indent}${last ? '└── ' : '├── '}${text}\n${hang(below, `${indent}${last ? '    ' : '│   '}`)}`;
    })
    .join('');
}
