import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import type { ObjectInfo } from '../objects.ts';
import type { Oid } from '../types.ts';
import { MAX_OBJECT_BYTES, Pack } from './pack.ts';

export interface StoredObject {
  type: ObjectInfo['type'];
  bytes: Buffer;
}

/** Each is two open files; git packs them together long before there are so many. */
const MAX_PACKS = 64;
/** Trees are asked for again and again. */
const MAX_KEPT = 64;

/**
 * The objects of a repository, packed and loose, as they lie in its folder. What is not found is not known to be missing.
 * @see gitrepository-layout(5)
 */
export class Store {
  private readonly folder: string;
  private readonly packs: Pack[];
  private readonly trees = new Map<Oid, StoredObject>();
  private readonly places = new Map<Oid, { pack: Pack; offset: number }>();

  /** @throws Error when its packs are not what they should be */
  constructor(gitDir: string) {
    this.folder = join(gitDir, 'objects');
    const names = readdirSync(join(this.folder, 'pack')).filter(name => name.endsWith('.idx'));
    if (names.length > MAX_PACKS) throw new Error('many packs');
    this.packs = [];
    try {
      for (const name of names) this.packs.push(new Pack(join(this.folder, 'pack', name.slice(0, -'.idx'.length))));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** @throws Error when it is not here, or not as it should be */
  get(oid: Oid): StoredObject {
    const known = this.trees.get(oid);
    if (known) return known;
    const found = this.packed(oid) ?? this.loose(oid);
    if (found.type === 'tree' && this.trees.size < MAX_KEPT) this.trees.set(oid, found);
    return found;
  }

  /** @throws Error as `get` */
  info(oid: Oid): { type: StoredObject['type']; size: number } {
    const place = this.find(oid);
    const told = place?.pack.infoAt(place.offset);
    if (told) return told;
    const { type, bytes } = this.get(oid);
    return { type, size: bytes.length };
  }

  close(): void {
    for (const pack of this.packs) pack.close();
  }

  private packed(oid: Oid): StoredObject | undefined {
    const place = this.find(oid);
    return place?.pack.objectAt(place.offset, base => this.get(base));
  }

  private find(oid: Oid): { pack: Pack; offset: number } | undefined {
    const known = this.places.get(oid);
    if (known) return known;
    for (const pack of this.packs) {
      const offset = pack.offsetOf(oid);
      if (offset === undefined) continue;
      const place = { pack, offset };
      this.places.set(oid, place);
      return place;
    }
    return undefined;
  }

  private loose(oid: Oid): StoredObject {
    const packed = readFileSync(join(this.folder, oid.slice(0, 2), oid.slice(2)));
    const whole = inflateSync(packed, { maxOutputLength: MAX_OBJECT_BYTES + 64 });
    const end = whole.indexOf(0);
    const [, type, size] = /^(blob|tree|commit|tag) (\d{1,10})$/.exec(whole.toString('latin1', 0, end)) ?? [];
    const bytes = whole.subarray(end + 1);
    if (type === undefined || Number(size) !== bytes.length) throw new Error('not an object');
    return { type: type as StoredObject['type'], bytes };
  }
}
