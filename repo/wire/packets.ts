/** Packets of git’s protocol, as gitprotocol-common(5) has them. */

/** No packet has this text. */
export const FLUSH = Symbol('flush-pkt');
const DELIMITER = Symbol('delim-pkt');

export type Packet = Buffer | typeof FLUSH | typeof DELIMITER;

export function packet(text: string): string {
  return (Buffer.byteLength(text) + 4).toString(16).padStart(4, '0') + text;
}

export const flushPacket = '0000';
export const delimiterPacket = '0001';

/** Read packets one after the other, whole, as they come. @throws Error for what is none, or ends in the middle of one */
export async function* readPackets(chunks: AsyncIterable<Buffer>): AsyncGenerator<Packet> {
  let parts: Buffer[] = [];
  let missing = 4;
  for await (const chunk of chunks) {
    parts.push(chunk);
    missing -= chunk.length;
    // Joined once, when a packet is whole: a server may send many small pieces.
    if (missing > 0) continue;
    let rest = parts.length === 1 ? chunk : Buffer.concat(parts);
    while (rest.length >= 4 && rest.length >= lengthOf(rest)) {
      const length = lengthOf(rest);
      yield length > 4 || !isSpecial(rest) ? rest.subarray(4, length) : special(rest);
      rest = rest.subarray(length);
    }
    parts = rest.length === 0 ? [] : [rest];
    missing = (rest.length < 4 ? 4 : lengthOf(rest)) - rest.length;
  }
  if (parts.length > 0) throw new Error('the answer ends in the middle of a packet');
}

/** Of the packet that begins here, with its four digits. */
function lengthOf(bytes: Buffer): number {
  const digits = bytes.toString('latin1', 0, 4);
  const length = /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
  if (Number.isNaN(length) || length === 3) throw new Error('not a packet of git’s protocol');
  return Math.max(length, 4);
}

function isSpecial(bytes: Buffer): boolean {
  return Number.parseInt(bytes.toString('latin1', 0, 4), 16) < 4;
}

/** `response-end-pkt` ends an answer as well. */
function special(bytes: Buffer): Packet {
  return bytes[3] === 0x31 ? DELIMITER : FLUSH;
}

/** A packet’s text without its line end; empty for the special ones. */
export function textOf(one: Packet): string {
  return typeof one === 'symbol' ? '' : one.toString('utf8').replace(/\n$/, '');
}
