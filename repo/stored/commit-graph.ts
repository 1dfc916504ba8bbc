import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Oid } from '../types.ts';

const ID_BYTES = 20;
/** Of one commit: its tree, its first two parents, and when it was made. */
const ROW_BYTES = ID_BYTES + 16;
const NO_PARENT = 0x7000_0000;
/** A larger one is not read. */
const MAX_BYTES = 64 * 1024 * 1024;

/** What git has written down of the commits of a repository, so that their objects need not be read: gitformat-commit-graph(5). */
export class CommitGraph {
  private readonly bytes: Buffer;
  private readonly numbers: DataView;
  private readonly table: number;
  private readonly ids: number;
  private readonly rows: number;
  private readonly count: number;

  /** @returns undefined where there is none of one file. @throws Error for one that is not as it should be */
  static open(gitDir: string): CommitGraph | undefined {
    const path = join(gitDir, 'objects', 'info', 'commit-graph');
    const stats = lstatSync(path, { throwIfNoEntry: false });
    return stats?.isFile() && stats.size <= MAX_BYTES ? new CommitGraph(readFileSync(path)) : undefined;
  }

  private constructor(bytes: Buffer) {
    const [version, hash, chunks = 0, bases] = bytes.subarray(4, 8);
    if (bytes.toString('latin1', 0, 4) !== 'CGPH' || version !== 1 || hash !== 1 || bases !== 0) {
      throw new Error('not a commit graph');
    }
    const places = new Map<string, number>();
    for (let chunk = 0; chunk < chunks; chunk++) {
      const at = 8 + chunk * 12;
      places.set(bytes.toString('latin1', at, at + 4), Number(bytes.readBigUInt64BE(at + 4)));
    }
    const [table, ids, rows] = ['OIDF', 'OIDL', 'CDAT'].map(name => places.get(name));
    if (table === undefined || ids === undefined || rows === undefined) throw new Error('not a commit graph');
    this.bytes = bytes;
    this.numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.table = table;
    this.ids = ids;
    this.rows = rows;
    this.count = bytes.readUInt32BE(table + 255 * 4);
  }

  /** Where a commit stands; undefined when it is newer than the graph. */
  find(oid: Oid): number | undefined {
    const id = Buffer.from(oid, 'hex');
    const byte = id[0] ?? 0;
    let low = byte === 0 ? 0 : this.bytes.readUInt32BE(this.table + (byte - 1) * 4);
    let high = this.bytes.readUInt32BE(this.table + byte * 4);
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = this.ids + middle * ID_BYTES;
      const order = this.bytes.compare(id, 0, ID_BYTES, at, at + ID_BYTES);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return undefined;
  }

  /** The first parent; undefined for a commit that has none. @throws Error when it is not in the graph */
  parent(place: number): number | undefined {
    const parent = this.numbers.getUint32(this.rows + place * ROW_BYTES + ID_BYTES);
    if (parent === NO_PARENT) return undefined;
    if (parent >= this.count) throw new Error('a parent is not in the graph');
    return parent;
  }

  id(place: number): Oid {
    const at = this.ids + place * ID_BYTES;
    return this.bytes.toString('hex', at, at + ID_BYTES);
  }
}
