import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { Wire } from './wire.ts';

const CURVES = {
  nistp256: { crv: 'P-256', bytes: 32, hash: 'sha256' },
  nistp384: { crv: 'P-384', bytes: 48, hash: 'sha384' },
  nistp521: { crv: 'P-521', bytes: 66, hash: 'sha512' },
} as const;
type Curve = (typeof CURVES)[keyof typeof CURVES];

/** What may sign, by the names that signatures give their algorithm. RSA's with SHA-1 is not among them. */
const RSA_HASHES: Readonly<Record<string, string>> = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' };
const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 16_384;
/** The holder touched the security key. */
const USER_PRESENT = 1;

/** One public key of a kind that signs here. */
export interface SigningKey {
  /** `ssh-ed25519` and so on. */
  type: string;
  /**
   * Whether a signature is this key's over the data. @param signature SSH's: algorithm, then what belongs to it
   * @throws Error when the signature is not one of this kind of key
   */
  verify(data: Buffer, signature: Buffer): boolean;
}

/** Read a public key, `<type> <base64>`. @throws Error saying why it is of no use */
export function readPublicKey(text: string): SigningKey {
  const [type = '', base64 = '', ...rest] = text.split(' ');
  const blob = Buffer.from(base64, 'base64');
  if (rest.length > 0 || blob.toString('base64') !== base64) throw new Error('it is not `<type> <base64>`');
  const wire = new Wire(blob);
  if (wire.name() !== type) throw new Error('its type is not the one it says');
  switch (type) {
    case 'ssh-ed25519':
      return { type, verify: ed25519(ed25519Key(wire)) };
    case 'sk-ssh-ed25519@openssh.com': {
      const key = { point: wire.string(), application: wire.string() };
      wire.end();
      return { type, verify: securityKey(type, key.application, ed25519Bare(importEd25519(key.point))) };
    }
    case 'ssh-rsa':
      return { type, verify: rsa(wire) };
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521': {
      const curve = CURVES[type.slice('ecdsa-sha2-'.length) as keyof typeof CURVES];
      const key = ecKey(wire, curve, type.slice('ecdsa-sha2-'.length));
      wire.end();
      const bare = ecdsaBare(key, curve);
      return { type, verify: (data, signature) => bare(data, only(type, signature)) };
    }
    case 'sk-ecdsa-sha2-nistp256@openssh.com': {
      const key = ecKey(wire, CURVES.nistp256, 'nistp256');
      const application = wire.string();
      wire.end();
      return { type, verify: securityKey(type, application, ecdsaBare(key, CURVES.nistp256)) };
    }
    default:
      throw new Error(`keys of the type \`${type}\` are not used here`);
  }
}

type Bare = (data: Buffer, signature: Buffer) => boolean;

function ed25519Key(wire: Wire): KeyObject {
  const point = wire.string();
  wire.end();
  return importEd25519(point);
}

function importEd25519(point: Buffer): KeyObject {
  if (point.length !== 32) throw new Error('it has not 32 bytes');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') }, format: 'jwk' });
}

function ed25519Bare(key: KeyObject): Bare {
  return (data, signature) => {
    if (signature.length !== 64) throw new Error('it has not 64 bytes');
    return verify(null, data, key, signature);
  };
}

function ed25519(key: KeyObject): Bare {
  const bare = ed25519Bare(key);
  return (data, signature) => bare(data, only('ssh-ed25519', signature));
}

function ecKey(wire: Wire, { crv, bytes }: Curve, name: string): KeyObject {
  if (wire.name() !== name) throw new Error('its curve is not the one it says');
  const point = wire.string();
  if (point.length !== 1 + 2 * bytes || point[0] !== 4) throw new Error('its point is not one');
  const x = point.subarray(1, 1 + bytes).toString('base64url');
  const y = point.subarray(1 + bytes).toString('base64url');
  return createPublicKey({ key: { kty: 'EC', crv, x, y }, format: 'jwk' });
}

function ecdsaBare(key: KeyObject, { bytes, hash }: Curve): Bare {
  return (data, signature) => {
    const wire = new Wire(signature);
    const both = Buffer.concat([wire.positive(bytes), wire.positive(bytes)]);
    wire.end();
    return verify(hash, data, { key, dsaEncoding: 'ieee-p1363' }, both);
  };
}

function rsa(wire: Wire): Bare {
  const exponent = wire.positive();
  const modulus = wire.positive();
  wire.end();
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) {
    throw new Error(`an RSA key has ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits, not ${bits}`);
  }
  const jwk = { kty: 'RSA', n: modulus.toString('base64url'), e: exponent.toString('base64url') };
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  return (data, signature) => {
    const outer = new Wire(signature);
    const algorithm = outer.name();
    const hash = RSA_HASHES[algorithm];
    if (hash === undefined) throw new Error(`\`${algorithm}\` is not accepted`);
    const bytes = outer.string();
    outer.end();
    if (bytes.length !== modulus.length) throw new Error('it is not as long as its key');
    return verify(hash, data, key, bytes);
  };
}

/** What a signature of an algorithm holds, and nothing behind it. */
function only(algorithm: string, signature: Buffer): Buffer {
  const wire = new Wire(signature);
  const named = wire.name();
  if (named !== algorithm) throw new Error(`it is of the type \`${named}\`, not \`${algorithm}\``);
  const bytes = wire.string();
  wire.end();
  return bytes;
}

/** A security key signs the application's name, its flags and counter, and the data, the outer two as hashes. */
function securityKey(type: string, application: Buffer, bare: Bare): Bare {
  return (data, signature) => {
    const wire = new Wire(signature);
    const named = wire.name();
    if (named !== type) throw new Error(`it is of the type \`${named}\`, not \`${type}\``);
    const bytes = wire.string();
    const flagsAndCounter = wire.take(5);
    wire.end();
    if (((flagsAndCounter[0] ?? 0) & USER_PRESENT) === 0) throw new Error('nobody touched the security key');
    return bare(Buffer.concat([sha256(application), flagsAndCounter, sha256(data)]), bytes);
  };
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** `<type> <base64>` of a key's blob. */
export function printPublicKey(blob: Buffer): string {
  return `${new Wire(blob).name()} ${blob.toString('base64')}`;
}
