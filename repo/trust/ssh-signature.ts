import { createHash } from 'node:crypto';
import { keyId } from '../../schema/index.ts';
import { printPublicKey, readPublicKey } from './public-key.ts';
import { framed, Wire } from './wire.ts';

export const BEGIN_SIGNATURE = '-----BEGIN SSH SIGNATURE-----';
const END_SIGNATURE = '-----END SSH SIGNATURE-----';
const MAGIC = Buffer.from('SSHSIG');
/** What ssh-keygen hashes a message with. */
const HASHES: readonly string[] = ['sha512', 'sha256'];
const MAX_ARMOUR = 16 * 1024;

/** A signature taken apart; nothing about it is verified yet. */
export interface SshSignature {
  /** Whose it says it is: `SHA256:…`. */
  keyId: string;
  /** `<type> <base64>`. */
  publicKey: string;
  namespace: string;
  hash: string;
  /** The inner signature: its algorithm, and what belongs to it. */
  signature: Buffer;
}

/**
 * Take the text form apart, as ssh-keygen writes it: the two lines around base64 in lines of 70 characters, and nothing
 * before, between or behind them. @throws Error saying what it is not
 */
export function parseArmour(text: string): Buffer {
  if (text.length > MAX_ARMOUR) throw new Error('it is too long');
  const [first, ...lines] = text.split('\n');
  const tail = lines.splice(-2);
  if (first !== BEGIN_SIGNATURE || tail[0] !== END_SIGNATURE || tail[1] !== '') {
    throw new Error('it is not one SSH signature and nothing else');
  }
  const base64 = lines.join('');
  const bytes = Buffer.from(base64, 'base64');
  const even = lines.every((line, index) => line.length === 70 || (index === lines.length - 1 && line.length < 70));
  if (bytes.length === 0 || bytes.toString('base64') !== base64 || !even)
    throw new Error('its base64 is not as written');
  return bytes;
}

/** Take a signature's blob apart (openssh's PROTOCOL.sshsig). @throws Error saying what it is not */
export function parseSignature(blob: Buffer): SshSignature {
  const wire = new Wire(blob);
  if (!wire.take(MAGIC.length).equals(MAGIC)) throw new Error('it is not an SSH signature');
  const version = wire.uint32();
  if (version !== 1) throw new Error(`its version is ${version}`);
  const key = Buffer.from(wire.string());
  const namespace = wire.name();
  if (wire.string().length > 0) throw new Error('it has something in its reserved field');
  const hash = wire.name();
  const signature = Buffer.from(wire.string());
  wire.end();
  if (!HASHES.includes(hash)) throw new Error(`\`${hash}\` is not a hash algorithm that is accepted`);
  const publicKey = printPublicKey(key);
  return { keyId: keyId(publicKey), publicKey, namespace, hash, signature };
}

/**
 * Whether a signature is over these bytes, in its own namespace. Whose key it is, and which namespace, is for the
 * caller to check. @throws Error when key or signature are malformed
 */
export function isOver(signature: SshSignature, message: Buffer): boolean {
  const { publicKey, namespace, hash } = signature;
  const digest = createHash(hash).update(message).digest();
  const signed = Buffer.concat([MAGIC, framed(namespace), framed(''), framed(hash), framed(digest)]);
  return readPublicKey(publicKey).verify(signed, signature.signature);
}
