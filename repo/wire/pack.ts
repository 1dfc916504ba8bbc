import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
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

const TYPES: Readonly<Record<number, ObjectType>> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };
const OFS_DELTA = 6;
const REF_DELTA = 7;

interface Entry {
  type: number;
  size: number;
  /** Where the packed bytes begin. */
  at: number;
  base: number | Oid | undefined;
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
    const { bytes, read } = inflate(pack.subarray(entry.at, end), entry.size);
    at = entry.at + read;
    const type = TYPES[entry.type];
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

function readEntry(pack: Buffer, offset: number, idBytes: number, end: number): Entry {
  let at = offset;
  const next = () => {
    if (at >= end) throw new Error('the pack ends too early');
    return pack[at++] ?? 0;
  };
  let byte = next();
  const type = (byte >> 4) & 7;
  let size = byte & 15;
  for (let factor = 16; byte & 0x80; factor *= 128) {
    byte = next();
    size += (byte & 0x7f) * factor;
  }
  let base: number | Oid | undefined;
  if (type === OFS_DELTA) {
    byte = next();
    let distance = byte & 0x7f;
    while (byte & 0x80) {
      byte = next();
      distance = (distance + 1) * 128 + (byte & 0x7f);
    }
    base = offset - distance;
  } else if (type === REF_DELTA) {
    base = pack.toString('hex', at, at + idBytes);
    at += idBytes;
  } else if (TYPES[type] === undefined) throw new Error('the pack has an object of no kind');
  return { type, size, at, base };
}

function inflate(packed: Buffer, size: number): { bytes: Buffer; read: number } {
  // One more than said, so that what is longer is noticed; zlib wants room for its end, too.
  const options = { info: true, maxOutputLength: Math.max(size + 1, 64), chunkSize: Math.max(size + 1, 64) };
  const { buffer, engine } = inflateSync(packed, options) as unknown as {
    buffer: Buffer;
    engine: { bytesWritten: number };
  };
  if (buffer.length !== size) throw new Error('an object of the pack has another size than it says');
  return { bytes: buffer, read: engine.bytesWritten };
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
      const size = resultSize(delta);
      rest.total += size;
      if (size > limits.objectBytes || rest.total > limits.totalBytes) throw new Error('the pack unfolds to too much');
      const made = { type: object?.type ?? 'blob', bytes: patch(object?.bytes ?? Buffer.alloc(0), delta) };
      found.set(offset, made);
      ready.push(offset, set.add(made.type, made.bytes));
    }
  }
  rest.deltas = [...byBase.values()].flat();
  if (rest.deltas.length > 0 && !limits.thin) throw new Error('the pack leaves out what its objects rest on');
}

function resultSize(delta: Buffer): number {
  return readSize(delta, readSize(delta, 0).at).size;
}

function readSize(delta: Buffer, from: number): { size: number; at: number } {
  let at = from;
  let size = 0;
  for (let factor = 1, more = true; more; factor *= 128) {
    const byte = delta[at++];
    if (byte === undefined) throw new Error('a delta ends too early');
    size += (byte & 0x7f) * factor;
    more = (byte & 0x80) !== 0;
  }
  return { size, at };
}

/** Copy from the base or from the delta, as the delta says. */
function patch(base: Buffer, delta: Buffer): Buffer {
  const source = readSize(delta, 0);
  const target = readSize(delta, source.at);
  if (source.size !== base.length) throw new Error('a delta is for another object');
  const result = Buffer.alloc(target.size);
  let written = 0;
  let at = target.at;
  const number = (flags: number, bits: readonly number[]) =>
    bits.reduce((sum, bit, place) => sum + (flags & bit ? (delta[at++] ?? 0) * 256 ** place : 0), 0);
  while (at < delta.length) {
    const command = delta[at++] ?? 0;
    if (command === 0) throw new Error('a delta has an instruction of no kind');
    const isCopy = (command & 0x80) !== 0;
    const offset = isCopy ? number(command, [1, 2, 4, 8]) : at;
    const length = isCopy ? number(command, [16, 32, 64]) || 0x10000 : command;
    const from = isCopy ? base : delta;
    if (offset + length > from.length || written + length > result.length) throw new Error('a delta goes too far');
    from.copy(result, written, offset, offset + length);
    written += length;
    if (!isCopy) at += length;
  }
  if (written !== result.length) throw new Error('a delta leaves something out');
  return result;
}
