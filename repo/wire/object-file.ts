import { ObjectSet, type ObjectType } from './object-set.ts';

/**
 * git objects in one file: a line that says what it is, a line of JSON, each object as `<type> <bytes>`, a line end and
 * its bytes, and a last line. Ids are in none of it: they follow from the bytes. So a gateway hands a release out, and so
 * a machine keeps what it took over.
 */
export interface ObjectFileHeader {
  format: 'sha1' | 'sha256';
  [name: string]: unknown;
}

export interface ObjectFileLimits {
  objects: number;
  totalBytes: number;
}

const MAGIC = 'mcpctl-objects 1\n';
const END = 'end\n';
const MAX_HEADER_BYTES = 64 * 1024;
const NEWLINE = 10;

/** The file in parts, to be written one after the other. */
export function* printObjects(
  header: ObjectFileHeader,
  objects: Iterable<{ type: ObjectType; bytes: Buffer }>,
): Generator<Buffer> {
  yield Buffer.from(`${MAGIC}${JSON.stringify(header)}\n`);
  for (const { type, bytes } of objects) {
    yield Buffer.from(`${type} ${bytes.length}\n`);
    yield bytes;
  }
  yield Buffer.from(END);
}

/**
 * Read such a file as it comes, and no further than allowed.
 * @throws Error for what is none, is not whole, or has more than allowed
 */
export async function readObjects(
  chunks: AsyncIterable<Buffer>,
  limits: ObjectFileLimits,
): Promise<{ header: ObjectFileHeader; set: ObjectSet }> {
  const source = new Source(chunks, limits.totalBytes);
  if (`${await source.line(MAGIC.length)}\n` !== MAGIC) throw new Error('it is no file of objects');
  const header: ObjectFileHeader = JSON.parse(await source.line(MAX_HEADER_BYTES));
  if (header?.format !== 'sha1' && header?.format !== 'sha256')
    throw new Error('its objects have ids of no known kind');
  const set = new ObjectSet(header.format);
  for (let count = 0; ; count++) {
    const line = await source.line(64);
    if (`${line}\n` === END) break;
    const [, type, size] = /^(blob|tree|commit|tag) (\d{1,10})$/.exec(line) ?? [];
    if (type === undefined) throw new Error('it has something that is no object');
    if (count >= limits.objects) throw new Error(`it has more than ${limits.objects} objects`);
    set.add(type as ObjectType, await source.bytes(Number(size)));
  }
  if (await source.more()) throw new Error('it goes on behind its end');
  return { header, set };
}

/** Takes lines and bytes off a stream. */
class Source {
  private readonly chunks: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);
  private allowed: number;

  constructor(chunks: AsyncIterable<Buffer>, maxBytes: number) {
    this.chunks = chunks[Symbol.asyncIterator]();
    this.allowed = maxBytes;
  }

  async more(): Promise<boolean> {
    while (this.rest.length === 0) {
      const next = await this.chunks.next();
      if (next.done) return false;
      this.allowed -= next.value.length;
      if (this.allowed < 0) throw new Error('it has more bytes than allowed');
      this.rest = next.value;
    }
    return true;
  }

  async line(maxBytes: number): Promise<string> {
    const parts: Buffer[] = [];
    for (let length = 0; length <= maxBytes; ) {
      await this.require();
      const end = this.rest.indexOf(NEWLINE);
      const part = this.rest.subarray(0, end === -1 ? undefined : end);
      parts.push(part);
      length += part.length;
      this.rest = this.rest.subarray(end === -1 ? this.rest.length : end + 1);
      if (end !== -1 && length <= maxBytes) return Buffer.concat(parts).toString('utf8');
    }
    throw new Error('it has a line that is too long');
  }

  async bytes(size: number): Promise<Buffer> {
    // Room is not made for what is only announced.
    if (size > this.allowed + this.rest.length) throw new Error('it has more bytes than allowed');
    if (this.rest.length >= size) return this.take(size);
    const parts: Buffer[] = [];
    for (let missing = size; missing > 0; ) {
      await this.require();
      const part = this.take(Math.min(missing, this.rest.length));
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  private take(size: number): Buffer {
    const part = this.rest.subarray(0, size);
    this.rest = this.rest.subarray(size);
    return part;
  }

  private async require(): Promise<void> {
    if (!(await this.more())) throw new Error('it is not whole');
  }
}
