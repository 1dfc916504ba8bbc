import { readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { classify, type KindRow, type Scope } from '../../../schema/index.ts';

/**
 * Names of a kind, from the paths of the working tree alone: nothing is opened, so that a key press is answered at once.
 * @param root the repository's root folder
 * @param scope only names in it; every one without it
 */
export function namesOf(root: string, row: KindRow, scope: Scope | undefined): string[] {
  const names = new Set<string>();
  for (const folder of foldersOf(row)) {
    for (const path of filesBelow(root, folder)) {
      const declared = classify(path);
      if (declared.kind !== 'resource' || declared.resourceKind !== row.kind) continue;
      if (scope === undefined || declared.scope === scope) names.add(declared.name);
    }
  }
  return [...names].sort();
}

/** Names of environments: the folders below `environments/`. */
export function environmentsOf(root: string): string[] {
  try {
    const entries = readdirSync(join(root, 'environments'), { withFileTypes: true });
    return entries.filter(entry => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}

function foldersOf({ folder, scopes }: KindRow): string[] {
  if (folder === '') return [];
  return [folder, ...(scopes.includes('project') ? ['projects'] : []), ...(scopes.includes('agent') ? ['agents'] : [])];
}

function filesBelow(root: string, folder: string): string[] {
  try {
    return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => relative(root, join(entry.parentPath, entry.name)).replaceAll(sep, '/'));
  } catch {
    return [];
  }
}
