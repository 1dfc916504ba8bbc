import { createHash } from 'node:crypto';
import type { ObjectContents, ObjectInfo, Objects } from '../objects.ts';
import { parseTree } from '../tree.ts';
import type { Oid } from '../types.ts';

export type ObjectType = ObjectInfo['type'];
export type ObjectFormat = 'sha1' | 'sha256';

const TREE = '040000';

/** git objects in memory, each under the id that its bytes have. */
export class ObjectSet {
  readonly format: ObjectFormat;
  private readonly known = new Map<Oid, { type: ObjectType; bytes: Buffer }>();

  constructor(format: ObjectFormat) {
    this.format = format;
  }

  /** @returns the object’s id */
  add(type: ObjectType, bytes: Buffer): Oid {
    const oid = createHash(this.format).update(`${type} ${bytes.length}\0`).update(bytes).digest('hex');
    this.known.set(oid, { type, bytes });
    return oid;
  }

  get(oid: Oid): { type: ObjectType; bytes: Buffer } | undefined {
    return this.known.get(oid);
  }

  /** The commit or tree that a name leads to, through tags. */
  peel(oid: Oid, to: ObjectType): Oid | undefined {
    return peel(this, oid, to);
  }

  /** Whether every folder below is here; contents do not count. */
  isWhole(oid: Oid): boolean {
    const tree = this.peel(oid, 'tree');
    const pending = [tree];
    const seen = new Set<Oid | undefined>(pending);
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const object = this.known.get(next);
      if (object?.type !== 'tree') return false;
      for (const { oid: below, mode } of entriesOf(object.bytes, this.format)) {
        if (mode === TREE && !seen.has(below)) pending.push(seen.add(below) && below);
      }
    }
    return tree !== undefined;
  }

  /** What is below a commit, tag or tree, as far as it is here; blobs only those that are wanted. */
  *reachable(oids: Iterable<Oid>, blobs: (oid: Oid) => boolean): Generator<{ type: ObjectType; bytes: Buffer }> {
    const pending = [...oids];
    const seen = new Set<Oid>(pending);
    for (let oid = pending.pop(); oid !== undefined; oid = pending.pop()) {
      const object = this.known.get(oid);
      if (!object || (object.type === 'blob' && !blobs(oid))) continue;
      yield object;
      for (const next of this.namedBy(object)) if (!seen.has(next)) pending.push(seen.add(next) && next);
    }
  }

  /** What an object leads to; of a commit its tree, not its parents. */
  private namedBy({ type, bytes }: { type: ObjectType; bytes: Buffer }): Oid[] {
    if (type === 'blob') return [];
    if (type === 'tree') return entriesOf(bytes, this.format).map(({ oid }) => oid);
    const next = headerOf(bytes, type === 'tag' ? 'object' : 'tree');
    return next === undefined ? [] : [next];
  }
}

/**
 * Answer what `git cat-file` would. Names are an object’s id, alone, with `^{tree}` or `^{commit}` behind it, or with
 * `:path`: all that is asked for.
 */
export function objectsOf(set: ObjectSet): Objects {
  const find = (name: string): Oid | undefined => {
    const colon = name.indexOf(':');
    if (colon !== -1) return below(set, peel(set, name.slice(0, colon), 'tree'), name.slice(colon + 1));
    const [, base = name, type] = /^(.*)\^\{(tree|commit)\}$/.exec(name) ?? [];
    return type === undefined ? base : peel(set, base, type as ObjectType);
  };
  const look = (name: string): ObjectContents | undefined => {
    const oid = find(name);
    const object = oid === undefined ? undefined : set.get(oid);
    return oid !== undefined && object
      ? { oid, type: object.type, size: object.bytes.length, bytes: object.bytes }
      : undefined;
  };
  return {
    async info(name) {
      const found = look(name);
      return found && { oid: found.oid, type: found.type, size: found.size };
    },
    commit: async name => look(`${name}^{commit}`)?.oid,
    async contents(name, maxBytes) {
      const found = look(name);
      return found && { ...found, bytes: found.size <= maxBytes ? found.bytes : undefined };
    },
    close: () => undefined,
  };
}

/** Tags in tags are followed only so far. */
const MAX_PEELED = 8;

function peel(set: ObjectSet, name: Oid, to: ObjectType): Oid | undefined {
  let oid: Oid | undefined = name;
  for (let depth = 0; oid !== undefined && depth < MAX_PEELED; depth++) {
    const object = set.get(oid);
    if (!object) return undefined;
    if (object.type === to) return oid;
    if (object.type === 'tag') oid = headerOf(object.bytes, 'object');
    else oid = object.type === 'commit' && to === 'tree' ? headerOf(object.bytes, 'tree') : undefined;
  }
  return undefined;
}

function below(set: ObjectSet, tree: Oid | undefined, path: string): Oid | undefined {
  let oid = tree;
  for (const part of path.split('/')) {
    const object = oid === undefined ? undefined : set.get(oid);
    if (object?.type !== 'tree') return undefined;
    oid = entriesOf(object.bytes, set.format).find(({ name, readable }) => readable && name === part)?.oid;
  }
  return oid;
}

function entriesOf(bytes: Buffer, format: ObjectFormat) {
  try {
    return parseTree(bytes, format === 'sha256' ? 32 : 20);
  } catch {
    return [];
  }
}

/** A header of a commit or tag that names an object. */
function headerOf(bytes: Buffer, name: 'object' | 'tree'): Oid | undefined {
  const head = bytes.toString('latin1', 0, 80);
  return new RegExp(`^${name} ([0-9a-f]{40}|[0-9a-f]{64})\n`).exec(head)?.[1];
}
