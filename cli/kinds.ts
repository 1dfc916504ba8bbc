import type { Command } from 'commander';
import {
  closest,
  findKind,
  type KindRow,
  kindTable,
  ProblemError,
  partsOfId,
  problem,
  type ResourceId,
  resourceId,
  type Scope,
} from '../schema/index.ts';

/** The options of every command that names resources of a working tree. */
export interface CommonOptions {
  project?: string;
  agent?: string;
  /** The working tree, or a folder in it; from `cwd`. */
  dir: string;
}

/** What KIND and NAME on a command line mean. */
export interface Target {
  row: KindRow;
  scope: Scope;
  /** Left out when the whole kind is meant. */
  name?: string;
  id?: ResourceId;
}

/** Add `-p`, `-A` and `-C`. */
export function commonOptions(command: Command): Command {
  return command
    .option('-p, --project <name>', 'the project it belongs to (default: global)')
    .option('-A, --agent <name>', 'the agent it belongs to (default: global)')
    .option('-C, --dir <dir>', 'a folder of the working tree', '.');
}

/**
 * Understand `KIND [NAME]` or `KIND/NAME`, with `-p` and `-A`. Names are checked here, before any becomes a path.
 * @throws ProblemError USAGE
 */
export function resolveTarget(
  kindText: string,
  name: string | undefined,
  { project, agent }: { project?: string | undefined; agent?: string | undefined },
): Target {
  const slash = kindText.indexOf('/');
  if (slash !== -1 && name !== undefined) throw usage(`\`${kindText}\` already has a name`, 'Write KIND NAME.');
  const row = kindNamed(slash === -1 ? kindText : kindText.slice(0, slash));
  const scope = scopeOf(row, project, agent);
  const given = slash === -1 ? name : kindText.slice(slash + 1);
  const called = row.form === 'file' ? (given ?? row.singular) : given;
  if (called === undefined) return { row, scope };
  checkName(row.kind, called, row.maxName);
  return { row, scope, name: called, id: resourceId(row.kind, scope, called) };
}

/** Where something is, for who named another scope. */
export function inOtherScope({ row, scope, name }: { row: KindRow; scope: Scope; name: string }): string {
  const [type, holder] = scope.split('/');
  const flag = scope === 'global' ? '' : type === 'project' ? ` -p ${holder}` : ` -A ${holder}`;
  return `${scope} has one: ${row.singular} ${name}${flag === '' ? ', without -p and -A' : flag}`;
}

/** As `inOtherScope`, of the first of these ids that has the kind and the name; undefined when none has. */
export function elsewhere(ids: readonly (ResourceId | undefined)[], { row, name }: Target): string | undefined {
  for (const id of ids) {
    const parts = id === undefined ? undefined : partsOfId(id);
    if (parts?.row === row && parts.name === name) return inOtherScope(parts);
  }
  return undefined;
}

/** The kind that somebody typed. @throws ProblemError USAGE */
export function kindNamed(text: string): KindRow {
  const row = findKind(text);
  if (row) return row;
  const meant = closest(
    text,
    kindTable.flatMap(({ singular, plural, short }) => [singular, plural, ...short]),
  );
  const all = `Kinds: ${kindTable.map(({ singular }) => singular).join(', ')}.`;
  throw usage(`there is no kind \`${text}\``, meant === undefined ? all : `Did you mean \`${meant}\`?`);
}

function scopeOf({ kind, scopes }: KindRow, project: string | undefined, agent: string | undefined): Scope {
  if (project !== undefined && agent !== undefined)
    throw usage('`-p` and `-A` exclude each other', 'Give one of them.');
  const wanted = project !== undefined ? 'project' : agent !== undefined ? 'agent' : 'global';
  if (!scopes.includes(wanted)) {
    const cure =
      wanted === 'global'
        ? `Name its ${scopes.join(' or ')} with -p or -A.`
        : `Leave ${wanted === 'project' ? '-p' : '-A'} out.`;
    throw usage(`a ${kind} is never ${wanted === 'global' ? 'global' : `in ${wanted} scope`}`, cure);
  }
  for (const holder of [project, agent]) if (holder !== undefined) checkName(wanted, holder, 63);
  return project !== undefined ? `project/${project}` : agent !== undefined ? `agent/${agent}` : 'global';
}

function checkName(what: string, name: string, max: number): void {
  if (name.length <= max && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(name)) return;
  throw usage(
    `\`${name}\` cannot name a ${what}`,
    `Names are lower-case letters, digits and \`-\`, beginning and ending with a letter or digit, at most ${max}.`,
  );
}

function usage(message: string, hint: string): ProblemError {
  return new ProblemError(problem('USAGE', message, { hint }));
}

/** Revisions are no resources: nobody declares them. */
export function isRevisions(kind: string): boolean {
  return ['revisions', 'revision', 'rev', 'revs'].includes(kind.toLowerCase());
}

/** Whether `get` is asked for proposals. */
export function isProposals(kind: string): boolean {
  return ['proposals', 'proposal', 'prop', 'props'].includes(kind.toLowerCase());
}
