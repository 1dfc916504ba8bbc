import { type KindRow, kindTable } from './kind-table.ts';
import { type ResourceId, resourceId, type Scope } from './resource.ts';

/** Where a resource usually is, and where else it may be. All below the repository's root folder. */
export interface UsualPlace {
  /** Its main file: `servers/x.yaml`, `projects/demo/prompts/x.md`, `skills/x/SKILL.md`, … */
  path: string;
  /** The folder that it lies in at any depth: folders in between are for order only. */
  folder: string;
  /** How the path ends at any depth: `/x.md`, `/x/SKILL.md`. */
  ending: string;
}

/**
 * The usual path of a resource's main file.
 * @param owner the folder of the project or agent that it belongs to; empty when it is global
 */
export function usualPath({ folder, form, singular }: KindRow, owner: string, name: string): string {
  const within = owner === '' ? '' : `${owner}/`;
  if (form === 'file') return 'mcpctl.yaml';
  return `${within}${folder}${endingOf(form, singular, name)}`;
}

/** Where a resource of an id is looked for; undefined for an id that no person gives. */
export function usualPlace(id: ResourceId): UsualPlace | undefined {
  const parts = id.split('/');
  const [kind = '', name = ''] = parts.slice(-2);
  const row = kindTable.find(one => one.kind.toLowerCase() === kind);
  if (!row || name === '') return undefined;
  const [type, holder] = parts.length === 2 ? [] : parts;
  const owner = holder === undefined ? '' : `${type}s/${holder}`;
  const path = usualPath(row, owner, name);
  if (row.form === 'file') return { path, folder: '', ending: path };
  return { path, folder: owner === '' ? row.folder : `${type}s`, ending: endingOf(row.form, row.singular, name) };
}

/** The lock of a server, and whatever else is approved of it. */
export function lockFolder(name: string): string {
  return `locks/servers/${name}`;
}

/** A resource's id taken apart; undefined for what is not written by people, such as locks. */
export function partsOfId(id: ResourceId): { row: KindRow; scope: Scope; name: string } | undefined {
  const parts = id.split('/');
  const [kind, name] = parts.slice(-2);
  const row = kindTable.find(one => one.kind.toLowerCase() === kind);
  const scope = (parts.length === 2 ? 'global' : parts.slice(0, -2).join('/')) as Scope;
  if (!row || name === undefined || resourceId(row.kind, scope, name) !== id) return undefined;
  return { row, name, scope };
}

function endingOf(form: KindRow['form'], singular: string, name: string): string {
  if (form === 'folder') return `/${name}/${singular}.yaml`;
  if (form === 'bundle') return `/${name}/SKILL.md`;
  return `/${name}.${form === 'markdown' ? 'md' : 'yaml'}`;
}
