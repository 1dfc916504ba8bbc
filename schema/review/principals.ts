import type { Catalog } from '../catalog.ts';
import type { Resource, ResourceId } from '../resource.ts';

/** Who may act: a User or a ServiceAccount, by its id (`user/ann`). */
export type PrincipalId = ResourceId;

/** The people and programs of a catalog, as reviews need them. Suspended ones are not in it. */
export interface Principals {
  /** Whose key it is. Undefined for an unknown one, and for one that several claim. @param key type and base64 */
  byKey(key: string): PrincipalId | undefined;
  byEmail(email: string): PrincipalId | undefined;
  /** Everybody who claims a key or an address. */
  claimants(keyOrEmail: string): ReadonlySet<PrincipalId>;
  /** Everybody in a group, through its groups. */
  members(group: string): ReadonlySet<PrincipalId>;
  has(id: PrincipalId): boolean;
  /** Everybody whom a RoleBinding lets review a resource. @param project the one it belongs to */
  reviewers(resource: { kind: string; name: string; project?: string }): ReadonlySet<PrincipalId>;
  administrators(): ReadonlySet<PrincipalId>;
}

type Subject = { kind: 'User' | 'Group' | 'ServiceAccount'; name: string };

const found = new WeakMap<Catalog, Principals>();

export function principalsOf(catalog: Catalog): Principals {
  const known = found.get(catalog) ?? readPrincipals(catalog);
  found.set(catalog, known);
  return known;
}

function readPrincipals(catalog: Catalog): Principals {
  const keys = new Map<string, Set<PrincipalId>>();
  const emails = new Map<string, Set<PrincipalId>>();
  const active = new Set<PrincipalId>();
  for (const one of [...catalog.list('User'), ...catalog.list('ServiceAccount')]) {
    if (one.spec.suspended) continue;
    active.add(one.id);
    for (const line of one.spec.sshKeys) add(keys, bareKey(line), one.id);
    if (one.kind === 'User') add(emails, one.spec.email.toLowerCase(), one.id);
  }
  const groups = new Map(catalog.list('Group').map(group => [group.name, group]));

  function members(name: string, seen = new Set<string>()): Set<PrincipalId> {
    const found = new Set<PrincipalId>();
    if (seen.has(name)) return found;
    seen.add(name);
    for (const subject of groups.get(name)?.spec.members ?? []) for (const id of named(subject, seen)) found.add(id);
    return found;
  }

  function named({ kind, name }: Subject, seen?: Set<string>): Iterable<PrincipalId> {
    if (kind === 'Group') return members(name, seen);
    const id = `${kind.toLowerCase()}/${name}`;
    return active.has(id) ? [id] : [];
  }

  function bound(fits: (binding: Resource<'RoleBinding'>['spec']) => boolean): Set<PrincipalId> {
    const bindings = catalog.list('RoleBinding').filter(({ spec }) => fits(spec));
    return new Set(bindings.flatMap(({ spec }) => spec.subjects.flatMap(subject => [...named(subject)])));
  }

  return {
    byKey: key => only(keys.get(key)),
    byEmail: email => only(emails.get(email.toLowerCase())),
    claimants: one => new Set([...(keys.get(one) ?? []), ...(emails.get(one.toLowerCase()) ?? [])]),
    members: name => members(name),
    has: id => active.has(id),
    reviewers: resource =>
      bound(
        ({ role, resources }) =>
          (role === 'review' || role === 'admin') &&
          (resources === undefined ||
            resources.some(
              one =>
                (one.kind === undefined || one.kind === resource.kind) &&
                (one.name === undefined || one.name === resource.name) &&
                (one.project === undefined || one.project === resource.project),
            )),
      ),
    administrators: () => bound(({ role, resources }) => role === 'admin' && resources === undefined),
  };
}

/** A public key without its comment. @param line as OpenSSH writes it */
function bareKey(line: string): string {
  return line.split(' ', 2).join(' ');
}

function add(map: Map<string, Set<PrincipalId>>, key: string, id: PrincipalId): void {
  const holders = map.get(key);
  if (holders) holders.add(id);
  else map.set(key, new Set([id]));
}

function only(ids: ReadonlySet<PrincipalId> | undefined): PrincipalId | undefined {
  return ids?.size === 1 ? [...ids][0] : undefined;
}
