/** Takes SSH's wire format apart (RFC 4251, section 5). Every method throws an Error when the bytes are not that. */
export class Wire {
  private readonly bytes: Buffer;
  private offset = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  take(count: number): Buffer {
    const end = this.offset + count;
    if (end > this.bytes.length) throw new Error('it ends too early');
    const part = this.bytes.subarray(this.offset, end);
    this.offset = end;
    return part;
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  string(): Buffer {
    return this.take(this.uint32());
  }

  /** A short name in ASCII. */
  name(): string {
    const text = this.string().toString('latin1');
    if (!/^[!-~]{0,255}$/.test(text)) throw new Error('a name in it is not one');
    return text;
  }

  /** A positive whole number, in its shortest form, as exactly `size` bytes; or as few as it needs. */
  positive(size?: number): Buffer {
    const written = this.string();
    const [first = 0, second = 0] = written;
    if (written.length === 0 || first > 0x7f || (first === 0 && second <= 0x7f)) {
      throw new Error('a number in it is not positive, or not in its shortest form');
    }
    const digits = first === 0 ? written.subarray(1) : written;
    if (size === undefined) return digits;
    if (digits.length > size) throw new Error('a number in it is too large');
    return Buffer.concat([Buffer.alloc(size - digits.length), digits]);
  }

  /** Nothing may follow. */
  end(): void {
    if (this.offset !== this.bytes.length) throw new Error('something follows its end');
  }
}

/** A string as SSH frames it. */
export function framed(bytes: Buffer | string): Buffer {
  const body = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}
