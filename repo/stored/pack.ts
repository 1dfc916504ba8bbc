import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type Entry, inflated, PACKED_TYPES, patched, patchedSize, readEntry } from '../pack-entry.ts';
import type { Oid } from '../types.ts';
import type { StoredObject } from './store.ts';

const ID_BYTES = 20;
/** The header of an index, and its table of how many ids begin with each byte or a smaller one. */
const TABLE_AT = 8;
const IDS_AT = TABLE_AT + 256 * 4;
/** Most entries are read whole with this; of a larger one, the rest follows. */
const FIRST_BYTES = 2048;
/** A size, and how far back or what it rests on. */
const HEAD_BYTES = 64;
/** git makes none longer than 4095; longer than this is left to it. */
const MAX_DELTAS = 500;
/** What deltas rest on is kept while it is small enough. */
const MAX_BASE_BYTES = 1024 * 1024;
const MAX_BASES_BYTES = 16 * 1024 * 1024;

/** Ids that begin with the same byte, and where their entries are. */
interface Bucket {
  ids: Buffer;
  /** Where each entry begins in the pack. */
  offsets: Buffer;
  count: number;
}

/**
 * A pack and its index (gitformat-pack(5), version 2), read where needed and no further. Every method throws an Error when
 * they are not what they should be.
 */
export class Pack {
  private readonly index: number;
  private readonly pack: number;
  private readonly packBytes: number;
  private readonly table: Buffer;
  private readonly buckets = new Map<number, Bucket>();
  private readonly bases = new Map<number, StoredObject>();
  private basesBytes = 0;

  /** @param path without `.idx` and `.pack` */
  constructor(path: string) {
    this.index = openSync(`${path}.idx`, 'r');
    try {
      this.pack = openSync(`${path}.pack`, 'r');
    } catch (error) {
      closeSync(this.index);
      throw error;
    }
    try {
      this.packBytes = fstatSync(this.pack).size;
      this.table = readAt(this.index, 0, IDS_AT).subarray(TABLE_AT);
      this.requireVersion();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Where the entry of an object begins; undefined when it is not in this pack. */
  offsetOf(oid: Oid): number | undefined {
    const id = Buffer.from(oid, 'hex');
    const { ids, offsets, count } = this.bucket(id[0] ?? 0);
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = ids.compare(id, 0, ID_BYTES, middle * ID_BYTES, (middle + 1) * ID_BYTES);
      if (order === 0) return this.offsetAt(offsets.readUInt32BE(middle * 4));
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return undefined;
  }

  /** Of which type an object is, and how large, where that can be told without unpacking it. */
  infoAt(offset: number): { type: StoredObject['type']; size: number } | undefined {
    const head = this.read(offset, HEAD_BYTES);
    const entry = readEntry(head, 0, ID_BYTES, head.length);
    const type = PACKED_TYPES[entry.type];
    return type && { type, size: entry.size };
  }

  /** An object, with what its deltas make of what they rest on. @param otherwise finds what is not in this pack */
  objectAt(offset: number, otherwise: (oid: Oid) => StoredObject): StoredObject {
    const deltas: { at: number; delta: Buffer }[] = [];
    let object: StoredObject | undefined;
    for (let at = offset; !object; ) {
      object = this.bases.get(at);
      if (object) break;
      const { entry, packed } = this.entryAt(at);
      const { bytes } = inflated(packed, entry.size);
      const type = PACKED_TYPES[entry.type];
      if (type !== undefined) {
        object = { type, bytes };
        if (deltas.length > 0) this.keep(at, object);
        break;
      }
      if (deltas.push({ at, delta: bytes }) > MAX_DELTAS) throw new Error('too many deltas');
      if (typeof entry.base === 'number') at += entry.base;
      else {
        const own = this.offsetOf(entry.base ?? '');
        if (own === undefined) object = otherwise(entry.base ?? '');
        else at = own;
      }
    }
    for (const { at, delta } of deltas.reverse()) {
      limit(patchedSize(delta));
      object = { type: object.type, bytes: patched(object.bytes, delta) };
      if (at !== offset) this.keep(at, object);
    }
    return object;
  }

  close(): void {
    closeSync(this.index);
    closeSync(this.pack);
  }

  private requireVersion(): void {
    const head = readAt(this.index, 0, TABLE_AT);
    const packHead = readAt(this.pack, 0, 12);
    const isIndex = head.readUInt32BE(0) === 0xff744f63 && head.readUInt32BE(4) === 2;
    const isPack = packHead.toString('latin1', 0, 4) === 'PACK' && packHead.readUInt32BE(4) === 2;
    if (!isIndex || !isPack || packHead.readUInt32BE(8) !== this.upTo(255)) throw new Error('not a pack of version 2');
  }

  private keep(offset: number, object: StoredObject): void {
    const { length } = object.bytes;
    if (length > MAX_BASE_BYTES || this.basesBytes + length > MAX_BASES_BYTES) return;
    this.basesBytes += length;
    this.bases.set(offset, object);
  }

  /** The head of an entry, what it rests on counted from where it begins, and at least all of its packed bytes. */
  private entryAt(offset: number): { entry: Entry; packed: Buffer } {
    const first = this.read(offset, FIRST_BYTES);
    const entry = readEntry(first, 0, ID_BYTES, first.length);
    // What does not become smaller by packing becomes a little larger.
    const most = entry.at + limit(entry.size) + (entry.size >> 8) + 64;
    const bytes = most <= first.length ? first : this.read(offset, most);
    return { entry, packed: bytes.subarray(entry.at) };
  }

  /** So many bytes of the pack, or what there is. */
  private read(offset: number, bytes: number): Buffer {
    const end = this.packBytes - ID_BYTES;
    if (offset < 12 || offset >= end) throw new Error('an entry is not in the pack');
    return readAt(this.pack, offset, Math.min(bytes, end - offset));
  }

  private bucket(byte: number): Bucket {
    const known = this.buckets.get(byte);
    if (known) return known;
    const from = byte === 0 ? 0 : this.upTo(byte - 1);
    const count = this.upTo(byte) - from;
    if (count < 0 || this.upTo(byte) > this.upTo(255)) throw new Error('not an index');
    const sumsAt = IDS_AT + this.upTo(255) * ID_BYTES;
    const offsetsAt = sumsAt + this.upTo(255) * 4;
    const made = {
      ids: readAt(this.index, IDS_AT + from * ID_BYTES, count * ID_BYTES),
      offsets: readAt(this.index, offsetsAt + from * 4, count * 4),
      count,
    };
    this.buckets.set(byte, made);
    return made;
  }

  private upTo(byte: number): number {
    return this.table.readUInt32BE(byte * 4);
  }

  /** An offset of more than 31 bits stands in another table. */
  private offsetAt(value: number): number {
    if (value < 0x8000_0000) return value;
    const largeAt = IDS_AT + this.upTo(255) * (ID_BYTES + 4 + 4);
    return Number(readAt(this.index, largeAt + (value - 0x8000_0000) * 8, 8).readBigUInt64BE());
  }
}

/** A larger one is left to git, which is in a process of its own. */
export const MAX_OBJECT_BYTES = 64 * 1024 * 1024;

function limit(size: number): number {
  if (size > MAX_OBJECT_BYTES) throw new Error('an object is too large');
  return size;
}

function readAt(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  if (readSync(file, bytes, 0, length, position) !== length) throw new Error('a file ends too early');
  return bytes;
}
