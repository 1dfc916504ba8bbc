import { createHash } from 'node:crypto';

/** The name of a public key, `<type> <base64>`. */
export function keyId(publicKey: string): string {
  const blob = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}
