import type { Catalog } from './catalog.ts';
import { closest } from './closest.ts';
import { dependenciesEnd, groupsEnd } from './cycle-rules.ts';
import { isFromNpm } from './kept-resource.ts';
import { kindTable } from './kind-table.ts';
import type { Problem, ProblemCode } from './problem.ts';
import { type AnyResource, type Kind, type Reference, type ResourceId, resourceId, targetOf } from './resource.ts';
import {
  globalsAreSeen,
  kindsAreActedOn,
  resourcesAreUsed,
  selectorsAreBounded,
  skillServersExist,
  toolNamesFit,
} from './use-rules.ts';

/** What a rule over the whole catalog looks at. */
export interface Linking {
  catalog: Catalog;
  /** Ids that files declare, though no valid resource stands behind them. */
  broken: ReadonlySet<ResourceId>;
  report(
    code: ProblemCode,
    about: Pick<AnyResource, 'id' | 'file'>,
    message: string,
    more?: { hint?: string; at?: Pick<Reference, 'file' | 'line' | 'column'> },
  ): void;
  /** What is wrong with no resource in particular. */
  note(found: Problem): void;
}

/** Everything that must hold between resources. */
export const linkRules: readonly ((linking: Linking) => void)[] = [
  referencesResolve,
  ownersExist,
  npmServersHaveLocks,
  locksFitTheirServers,
  selectorsAreBounded,
  skillServersExist,
  dependenciesEnd,
  groupsEnd,
  toolNamesFit,
  globalsAreSeen,
  resourcesAreUsed,
  kindsAreActedOn,
];

/** Whatever a resource names is there, and so is the key it names in a Secret. */
function referencesResolve({ catalog, broken, report }: Linking): void {
  const suggest = suggestions(catalog);
  for (const resource of catalog.resources.values()) {
    for (const reference of resource.references) {
      const { kind, name, key } = reference;
      const id = targetOf(reference);
      const target = catalog.get(id);
      if (!target && !broken.has(id)) {
        const hint = templateHint(resource, reference) ?? nameHint(suggest(reference), id);
        report('REFERENCE_UNRESOLVED', resource, `there is no ${kind} \`${name}\``, { at: reference, hint });
      }
      if (target?.kind !== 'Secret' || key === undefined || Object.hasOwn(target.spec.data, key)) continue;
      const keys = Object.keys(target.spec.data);
      const meant = closest(key, keys);
      const hint = meant === undefined ? `Its keys: ${keys.join(', ')}.` : `Did you mean \`${meant}\`?`;
      report('REFERENCE_UNRESOLVED', resource, `the Secret \`${name}\` has no key \`${key}\``, { at: reference, hint });
    }
  }
}

function nameHint(meant: string | undefined, id: ResourceId): string {
  return meant === undefined ? `Add \`${id}\`, or correct the name.` : `Did you mean \`${meant}\`?`;
}

/** A skill may say which template the server it needs is made from. */
function templateHint(resource: AnyResource, { kind, name }: Reference): string | undefined {
  if (resource.kind !== 'Skill' || kind !== 'Server') return undefined;
  const template = resource.spec.mcpServers.find(server => server.name === name)?.fromTemplate;
  return template === undefined ? undefined : `mcpctl create server ${name} --from-template ${template}`;
}

/** The nearest name of a kind; after a good number of names were compared, none, so that the time stays bounded. */
function suggestions(catalog: Catalog): (reference: Reference) => string | undefined {
  let comparisons = 50_000;
  return ({ kind, name, scope = 'global' }) => {
    const candidates = catalog.list(kind);
    comparisons -= candidates.length;
    if (comparisons < 0) return undefined;
    return closest(
      name,
      candidates.filter(candidate => candidate.scope === scope).map(candidate => candidate.name),
    );
  };
}

/** What lies below `projects/<name>/` or `agents/<name>/` belongs to one that is declared. */
function ownersExist({ catalog, broken, report }: Linking): void {
  for (const resource of catalog.resources.values()) {
    const { scope, kind } = resource;
    if (scope === 'global' || catalog.get(scope) || broken.has(scope)) continue;
    const [type = '', name = ''] = scope.split('/');
    const owner: Kind = type === 'agent' ? 'Agent' : 'Project';
    const row = kindTable.find(one => one.kind === kind);
    const elsewhere = row?.scopes.includes('global') ? `, or move the ${row.singular} to \`${row.folder}/\`` : '';
    const hint = `Add its \`${type}.yaml\`${elsewhere}.`;
    report('REFERENCE_UNRESOLVED', resource, `there is no ${owner} \`${name}\``, { hint });
  }
}

function npmServersHaveLocks({ catalog, broken, report }: Linking): void {
  for (const server of catalog.list('Server')) {
    const id = resourceId('Lock', 'global', server.name);
    if (!isFromNpm(server) || catalog.get(id) || broken.has(id)) continue;
    const hint = `mcpctl lock ${server.name}`;
    report('LOCK_MISSING', server, `the npm server \`${server.name}\` has no lock`, { hint });
  }
}

/** Each lock is for exactly the package and version of an npm server of its name. */
function locksFitTheirServers({ catalog, broken, report }: Linking): void {
  for (const lock of catalog.list('Lock')) {
    const id = resourceId('Server', 'global', lock.name);
    if (broken.has(id)) continue;
    const server = catalog.get(id);
    if (server?.kind !== 'Server' || server.spec.package?.registry !== 'npm') {
      report('LOCK_UNUSED', lock, `no npm server is named \`${lock.name}\``);
      continue;
    }
    const { identifier, version } = server.spec.package;
    const locked = Object.entries(lock.spec.dependencies);
    const [name, exact] = locked[0] ?? [];
    if (locked.length === 1 && name === identifier && exact === version) continue;
    const found = locked.map(pair => pair.join('@')).join(', ') || 'nothing';
    const message = `the lock is for ${found}, but \`${lock.name}\` runs ${identifier}@${version}`;
    report('LOCK_MISMATCH', { ...lock, id }, message, { hint: `mcpctl lock ${lock.name}` });
  }
}
