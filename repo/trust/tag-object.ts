import type { Oid } from '../types.ts';
import { BEGIN_SIGNATURE } from './ssh-signature.ts';

/** A whole tag object; the signature of the longest key fits. */
export const MAX_TAG_BYTES = 24 * 1024;

/** A tag object taken apart. */
export interface TagObject {
  commit: Oid;
  /** The name that is signed. */
  name: string;
  tagger: string;
  /** What the signature is over: everything before it. */
  payload: Buffer;
  /** The text between the empty line and the signature. */
  message: Buffer;
  /** In its text form, to the object's end; empty for a tag that is not signed. */
  signature: string;
}

const HEADER =
  /^object ([0-9a-f]{40}|[0-9a-f]{64})\ntype (commit|tree|blob|tag)\ntag ([^\n\0]{1,250})\ntagger ([^\n\0]{1,1000})\n\n/;

/**
 * Take a tag object apart: exactly the four header lines that git writes, in its order, then the message, then one SSH
 * signature to the end. Where git looks for a signature, it takes the last one; here there may be only one.
 * @throws Error saying what it is not
 */
export function parseTag(bytes: Buffer): TagObject {
  if (bytes.length > MAX_TAG_BYTES) throw new Error(`it has more than ${MAX_TAG_BYTES} bytes`);
  // One character for each byte.
  const text = bytes.toString('latin1');
  const match = HEADER.exec(text);
  if (!match) throw new Error('its header is not the four lines that git writes');
  const [header, commit = '', type, name = '', tagger = ''] = match;
  if (type !== 'commit') throw new Error(`it is on a ${type}, not on a commit`);
  const begin = text.indexOf(`\n${BEGIN_SIGNATURE}`);
  const end = begin === -1 ? text.length : begin + 1;
  if (end < header.length) throw new Error('it has no message');
  const signature = text.slice(end);
  if (signature.indexOf(BEGIN_SIGNATURE, 1) !== -1) throw new Error('it is signed twice');
  return {
    commit,
    name: Buffer.from(name, 'latin1').toString(),
    tagger: Buffer.from(tagger, 'latin1').toString(),
    payload: bytes.subarray(0, end),
    message: bytes.subarray(header.length, end),
    signature,
  };
}
