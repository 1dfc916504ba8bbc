import { closest, type KindRow, kindTable, type Problem, problem, type Scope } from '../../../schema/index.ts';
import { inOtherScope, kindNamed, resolveTarget } from '../../kinds.ts';
import type { Declared, Loaded } from '../../load-catalog.ts';
import { refersTo } from '../../relations.ts';
import type { LabelTest } from './labels.ts';

/** What is asked for. */
export interface Selection {
  /** `servers`, `server/memory`, `servers,prompts`, or `all`. */
  kind: string;
  names: readonly string[];
  project?: string;
  agent?: string;
  /** Of every scope, not only the one that is meant. */
  allScopes?: boolean;
  labels?: LabelTest;
}

export interface Selected {
  items: Declared[];
  /** Whether single resources were named; a broken one among them is a failure then. */
  named: boolean;
  /** The list is of several kinds. */
  mixed: boolean;
  /** What was named and is not there. */
  missing: Problem[];
}

/**
 * What a selection means in a repository, in the order of lists.
 * @throws ProblemError USAGE
 */
export function select(loaded: Loaded, selection: Selection): Selected {
  const { kind, names, labels = () => true } = selection;
  if (kind.includes('/') || names.length > 0) return selectNamed(loaded, selection);
  const all = kind === 'all';
  const rows = all ? kindTable : kind.split(',').map(kindNamed);
  const inScope = scopeTest(loaded, selection, rows, all);
  const items = loaded.declared.filter(
    item => rows.includes(item.row) && inScope(item) && labels(item.resource?.metadata.labels ?? {}),
  );
  return { items, named: false, mixed: rows.length > 1, missing: [] };
}

/**
 * A resource that was named, or the problem that says that it is not there, with the nearest name or the scopes that
 * have one of that name.
 * @throws ProblemError USAGE
 */
export function findNamed(
  loaded: Loaded,
  kind: string,
  name: string | undefined,
  where: Pick<Selection, 'project' | 'agent'>,
): Declared | Problem {
  const target = resolveTarget(kind, name, where);
  const found = loaded.declared.find(({ id }) => id === target.id);
  return found ?? notFound(loaded, target.row, target.scope, target.name ?? '');
}

function selectNamed(loaded: Loaded, selection: Selection): Selected {
  const { kind, names } = selection;
  const found = (kind.includes('/') ? [undefined] : names).map(name => findNamed(loaded, kind, name, selection));
  const items = found.filter(one => 'row' in one);
  const missing = found.filter(one => 'code' in one);
  if (kind.includes('/') && names.length > 0) resolveTarget(kind, names[0], selection);
  return { items: loaded.declared.filter(one => items.includes(one)), named: true, mixed: false, missing };
}

/**
 * Which resources a list is about. Without a scope: the global ones, and for `all` every one. With a project or agent:
 * its own ones, and those of kinds that are only global that it names.
 */
function scopeTest(
  { catalog, declared }: Loaded,
  { project, agent, allScopes }: Selection,
  rows: readonly KindRow[],
  all: boolean,
): (item: Declared) => boolean {
  const type = project !== undefined ? 'project' : 'agent';
  const holder = project ?? agent;
  if (holder === undefined) {
    // What is never global can only be listed over all scopes.
    return ({ row, scope }) => allScopes === true || all || scope === 'global' || !row.scopes.includes('global');
  }
  for (const row of rows) if (row.scopes.includes(type)) resolveTarget(row.kind, undefined, scopeOf(project, agent));
  const self = declared.find(({ id }) => id === `${type}/${holder}`);
  const named = new Set(self?.resource ? refersTo(catalog, self.resource).map(({ id }) => id) : []);
  return item => {
    if (item.scope === `${type}/${holder}` || (all && item === self)) return true;
    return named.has(item.id) && (all || !item.row.scopes.includes(type));
  };
}

function scopeOf(project: string | undefined, agent: string | undefined): { project?: string; agent?: string } {
  return { ...(project !== undefined && { project }), ...(agent !== undefined && { agent }) };
}

function notFound({ declared }: Loaded, row: KindRow, scope: Scope, name: string): Problem {
  const sameKind = declared.filter(one => one.row === row);
  const elsewhere = sameKind.find(one => one.name === name);
  const where = row.scopes.length === 1 ? '' : ` in ${scope === 'global' ? 'global scope' : scope}`;
  return problem('RESOURCE_NOT_FOUND', `there is no ${row.kind} \`${name}\`${where}`, {
    hint: elsewhere ? inOtherScope(elsewhere) : nearest(sameKind, row, scope, name),
  });
}

function nearest(sameKind: readonly Declared[], row: KindRow, scope: Scope, name: string): string {
  const names = sameKind.filter(one => one.scope === scope).map(one => one.name);
  const meant = closest(name, names);
  return meant === undefined ? `List what there is: mcpctl get ${row.plural}` : `Did you mean \`${meant}\`?`;
}
