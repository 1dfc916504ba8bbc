import { createHash } from 'node:crypto';
import { inflated, PACKED_TYPES, patched, patchedSize, readEntry } from '../pack-entry.ts';
import type { Oid } from '../types.ts';
import type { ObjectSet, ObjectType } from './object-set.ts';

export interface PackLimits {
  /** What rests on something that is not here is left out, in place of refusing the pack. */
  thin?: boolean;
  objects: number;
  /** Of one object, unpacked. */
  objectBytes: number;
  /** Of all together, unpacked. */
  totalBytes: number;
}

/** What an object differs by from the one at an offset, or with an id. */
interface Delta {
  offset: number;
  base: number | Oid;
  delta: Buffer;
}

/**
 * Unpack a pack (gitformat-pack(5)) into a set. Nothing is unpacked beyond what it said it would come to, nor beyond
 * the limits.
 * @returns of a thin pack, what to call when the set has more: it then also gets what rests on that
 * @throws Error when it is damaged, too much, or leaves out what its deltas rest on
 */
export function unpack(pack: Buffer, set: ObjectSet, limits: PackLimits): () => void {
  const idBytes = set.format === 'sha256' ? 32 : 20;
  const end = pack.length - idBytes;
  if (end < 12 || pack.toString('latin1', 0, 4) !== 'PACK' || ![2, 3].includes(pack.readUInt32BE(4))) {
    throw new Error('not a pack');
  }
  const sum = createHash(set.format).update(pack.subarray(0, end)).digest();
  if (!sum.equals(pack.subarray(end))) throw new Error('the pack is not whole');
  const count = pack.readUInt32BE(8);
  if (count > limits.objects) throw new Error(`the pack has ${count} objects; ${limits.objects} are allowed`);
  const found = new Map<number, { type: ObjectType; bytes: Buffer }>();
  const waiting: Delta[] = [];
  let total = 0;
  let at = 12;
  for (let index = 0; index < count; index++) {
    const offset = at;
    const entry = readEntry(pack, offset, idBytes, end);
    total += entry.size;
    if (entry.size > limits.objectBytes || total > limits.totalBytes) throw new Error('the pack unfolds to too much');
    const { bytes, read } = inflated(pack.subarray(entry.at, end), entry.size);
    at = entry.at + read;
    const type = PACKED_TYPES[entry.type];
    if (type !== undefined) {
      found.set(offset, { type, bytes });
      set.add(type, bytes);
    } else if (entry.base !== undefined) waiting.push({ offset, base: entry.base, delta: bytes });
  }
  if (at !== end) throw new Error('the pack has something behind its objects');
  const rest = { found, total, deltas: waiting };
  applyDeltas(rest, set, limits);
  return () => {
    if (rest.deltas.length > 0) applyDeltas(rest, set, limits);
  };
}

/** What of a pack is not unpacked yet. */
interface Rest {
  found: Map<number, { type: ObjectType; bytes: Buffer }>;
  /** Bytes, unpacked, of what is. */
  total: number;
  deltas: Delta[];
}

/** Each is unpacked once its base is: bases may stand behind what rests on them. What has none stays. */
function applyDeltas(rest: Rest, set: ObjectSet, limits: PackLimits): void {
  const { found } = rest;
  const byBase = Map.groupBy(rest.deltas, ({ base }) => base);
  const take = (base: number | Oid) => {
    const those = byBase.get(base) ?? [];
    byBase.delete(base);
    return those;
  };
  const ready = [...byBase.keys()].filter(base => (typeof base === 'number' ? found.has(base) : set.get(base)));
  for (let base = ready.pop(); base !== undefined; base = ready.pop()) {
    const object = typeof base === 'number' ? found.get(base) : set.get(base);
    for (const { offset, delta } of object ? take(base) : []) {
      const size = patchedSize(delta);
      rest.total += size;
      if (size > limits.objectBytes || rest.total > limits.totalBytes) throw new Error('the pack unfolds to too much');
      const made = { type: object?.type ?? 'blob', bytes: patched(object?.bytes ?? Buffer.alloc(0), delta) };
      found.set(offset, made);
      ready.push(offset, set.add(made.type, made.bytes));
    }
  }
  rest.deltas = [...byBase.values()].flat();
  if (rest.deltas.length > 0 && !limits.thin) throw new Error('the pack leaves out what its objects rest on');
}
