import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { keyId } from '../schema/index.ts';
import type { Key } from './trust-scene.ts';

const APPLICATION = 'ssh:';

/** A security key without the hardware: it makes the signatures such a key makes, as ssh-keygen would wrap them. */
export interface SoftSecurityKey extends Key {
  /** @param flags 1: it was touched @param behind what follows the signature, where nothing may */
  sign(payload: Buffer, namespace?: string, flags?: number, behind?: string): string;
}

export function softSecurityKey(name: string, type: 'ed25519' | 'ecdsa'): SoftSecurityKey {
  const wire = type === 'ed25519' ? 'sk-ssh-ed25519@openssh.com' : 'sk-ecdsa-sha2-nistp256@openssh.com';
  const pair =
    type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const { x = '', y = '' } = pair.publicKey.export({ format: 'jwk' });
  const point = [Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')];
  const own = type === 'ed25519' ? [point[0] ?? ''] : ['nistp256', Buffer.concat([Buffer.of(4), ...point])];
  const blob = strings(wire, ...own, APPLICATION);
  const text = `${wire} ${blob.toString('base64')}`;
  return {
    file: '',
    id: keyId(text),
    text,
    name,
    sign(payload, namespace = 'git', flags = 1, behind = '') {
      const hash = createHash('sha512').update(payload).digest();
      const data = Buffer.concat([Buffer.from('SSHSIG'), strings(namespace, '', 'sha512', hash)]);
      const tail = Buffer.from([flags, 0, 0, 0, 7]);
      const inner = Buffer.concat([sha256(APPLICATION), tail, sha256(data)]);
      const bare =
        type === 'ed25519'
          ? sign(null, inner, pair.privateKey)
          : numbers(sign('sha256', inner, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' }));
      const signature = Buffer.concat([strings(wire, bare), tail, Buffer.from(behind)]);
      const version = Buffer.from([0, 0, 0, 1]);
      const whole = Buffer.concat([Buffer.from('SSHSIG'), version, strings(blob, namespace, '', 'sha512', signature)]);
      const lines = whole.toString('base64').match(/.{1,70}/g) ?? [];
      return `-----BEGIN SSH SIGNATURE-----\n${lines.join('\n')}\n-----END SSH SIGNATURE-----\n`;
    },
  };
}

function numbers(both: Buffer): Buffer {
  const half = both.length / 2;
  return strings(...[both.subarray(0, half), both.subarray(half)].map(shortest));
}

function shortest(number: Buffer): Buffer {
  let digits = number;
  while (digits[0] === 0) digits = digits.subarray(1);
  return (digits[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.of(0), digits]) : digits;
}

function strings(...parts: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(
    parts.flatMap(part => {
      const body = Buffer.from(part as string);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(body.length);
      return [length, body];
    }),
  );
}

function sha256(bytes: string | Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
