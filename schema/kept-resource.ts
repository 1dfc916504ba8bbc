import type { AnyResource, Kind, Metadata, Resource, Specs } from './resource.ts';

/** What is known of a kept resource without reading what it says. */
export interface KeptHead extends Omit<Resource, 'metadata' | 'spec'> {
  /** Of a server: whether its package is from npm. */
  npm: boolean;
}

const fromNpm = new WeakMap<object, boolean>();

/**
 * A resource that somebody kept: what it says is read when it is asked for, and not before. Of most resources nothing
 * is, by what looks at all of them.
 */
export function keptResource(
  { npm, id, kind, scope, name, file, digest, references }: KeptHead,
  read: () => readonly [metadata: Metadata, spec: Specs[Kind]],
): AnyResource {
  let said: ReturnType<typeof read> | undefined;
  const resource: Resource = {
    id,
    kind,
    scope,
    name,
    get metadata() {
      said ??= read();
      return said[0];
    },
    get spec() {
      said ??= read();
      return said[1];
    },
    file,
    digest,
    references,
  };
  if (kind === 'Server') fromNpm.set(resource, npm);
  return resource as AnyResource;
}

/** Whether a server’s package is from npm, so that it takes a lock. */
export function isFromNpm(server: Resource<'Server'>): boolean {
  return fromNpm.get(server) ?? server.spec.package?.registry === 'npm';
}
