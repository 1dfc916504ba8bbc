import { inflateSync } from 'node:zlib';
import type { ObjectInfo } from './objects.ts';
import type { Oid } from './types.ts';

/** What the number of an entry stands for; the others are deltas. */
export const PACKED_TYPES: Readonly<Record<number, ObjectInfo['type']>> = {
  1: 'commit',
  2: 'tree',
  3: 'blob',
  4: 'tag',
};
const OFS_DELTA = 6;
const REF_DELTA = 7;

/** An entry of a pack, but for its bytes. */
export interface Entry {
  type: number;
  size: number;
  /** Where the packed bytes begin. */
  at: number;
  base: number | Oid | undefined;
}

/** Take the head of an entry apart, see gitformat-pack(5). @throws Error when it is none */
export function readEntry(pack: Buffer, offset: number, idBytes: number, end: number): Entry {
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
  } else if (PACKED_TYPES[type] === undefined) throw new Error('the pack has an object of no kind');
  return { type, size, at, base };
}

/** The bytes of an entry, and how many of the packed ones they are. @throws Error when they are not as many as it says */
export function inflated(packed: Buffer, size: number): { bytes: Buffer; read: number } {
  // One more than said, so that what is longer is noticed; zlib wants room for its end, too.
  const options = { info: true, maxOutputLength: Math.max(size + 1, 64), chunkSize: Math.max(size + 1, 64) };
  const { buffer, engine } = inflateSync(packed, options) as unknown as {
    buffer: Buffer;
    engine: { bytesWritten: number };
  };
  if (buffer.length !== size) throw new Error('an object of the pack has another size than it says');
  return { bytes: buffer, read: engine.bytesWritten };
}

/** How large what a delta makes will be. @throws Error */
export function patchedSize(delta: Buffer): number {
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

/** What a delta makes of its base: copied from the base or from the delta, as it says. @throws Error */
export function patched(base: Buffer, delta: Buffer): Buffer {
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
