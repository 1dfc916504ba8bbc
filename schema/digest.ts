import { createHash, hash } from 'node:crypto';

/**
 * A value in one canonical text: a type letter, then the length or count, then the parts; keys sorted by code unit.
 * No two different values share a text, and the order of keys does not matter. `undefined` members count as absent.
 * @param value JSON-like data (bytes allowed), without cycles
 */
export function canonical(value: unknown): string {
  if (value === null || value === undefined) return 'n';
  if (value instanceof Uint8Array) return `b${value.length}:${Buffer.from(value).toString('base64')}`;
  switch (typeof value) {
    case 'boolean':
      return value ? 't' : 'f';
    case 'number':
      return framed('d', JSON.stringify(value));
    case 'string':
      // A lone surrogate would be lost in UTF-8; JSON escapes it.
      return value.isWellFormed() ? framed('s', value) : framed('u', JSON.stringify(value));
    case 'object':
      return Array.isArray(value) ? canonicalArray(value) : canonicalObject(value);
    default:
      throw new TypeError(`no canonical form for a ${typeof value}`);
  }
}

/** `sha256:…` over the canonical form of any JSON-like value, such as an instance's spec. */
export function digestOf(value: unknown): string {
  return `sha256:${hash('sha256', canonical(value))}`;
}

/**
 * The content digest of what was written in a file: its parsed value before defaults, so that layout, comments and
 * the order of keys do not matter; for a file that is taken as it is (a lock), its bytes.
 */
export function contentDigest(content: unknown): string {
  if (!(content instanceof Uint8Array)) return digestOf(content);
  return `sha256:${createHash('sha256').update(`b${content.length}:`).update(content).digest('hex')}`;
}

function canonicalArray(items: readonly unknown[]): string {
  return `a${items.length}:${items.map(canonical).join('')}`;
}

function canonicalObject(value: object): string {
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `o${members.length}:${members.map(([key, member]) => canonical(key) + canonical(member)).join('')}`;
}

function framed(type: string, text: string): string {
  return `${type}${text.length}:${text}`;
}
