import { createHash } from 'node:crypto';
import {
  array,
  base64,
  int,
  literal,
  maximum,
  maxLength,
  minimum,
  minLength,
  readonly,
  record,
  refine,
  regex,
  strictObject,
  string,
  type z,
} from 'zod/mini';
import { canonicalFile, canonicalJson, type Parsed, parseCanonical } from './canonical-json.ts';
import { keyId } from './key-id.ts';
import { RepositoryId } from './names.ts';

const MAX_ROOT_BYTES = 256 * 1024;
/** A chain longer than this is not walked. */
export const MAX_ROOT_VERSION = 10_000;

/** A key's name: `SHA256:…`, as ssh-keygen shows it. */
const KeyId = string().check(regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'not a fingerprint such as SHA256:…'));

const PublicKey = readonly(
  strictObject({
    /** `<type> <base64>`, as in a `.pub` file, without the comment. */
    key: string().check(
      maxLength(4096),
      regex(/^[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}$/, 'not a public key as in a .pub file'),
    ),
    /** Whose it is, for people. */
    name: string().check(
      minLength(1),
      maxLength(128),
      regex(/^[^\p{Cc}\p{Cf}\u2028\u2029]*$/u, 'has control characters'),
    ),
  }),
);

function role(threshold: z.ZodMiniType<number>, least: number) {
  return readonly(
    strictObject({ keys: array(KeyId).check(minLength(least), maxLength(64)), threshold }).check(
      refine(
        ({ keys, threshold: needed }) => least === 0 || needed <= keys.length,
        'the threshold is more than its keys',
      ),
      refine(
        ({ keys }) => keys.every((id, index) => index === 0 || (keys[index - 1] ?? '') < id),
        'keys are not sorted',
      ),
    ),
  );
}

/** A tag carries one signature, so that a release or its renewal needs exactly one. */
const One = literal(1, 'must be 1: a tag carries one signature');

/** What the root says, and what its signatures are over. */
export const Root = strictObject({
  apiVersion: literal('mcpctl.dev/v1'),
  kind: literal('Root'),
  repository: RepositoryId,
  version: int().check(minimum(1), maximum(MAX_ROOT_VERSION)),
  keys: record(KeyId, PublicKey),
  roles: strictObject({
    /** Who may sign a new root. */
    root: role(int().check(minimum(1), maximum(64)), 1),
    /** Who may sign a release. */
    release: role(One, 1),
    /** Who may sign the same manifest again, with a later `expires`. */
    renew: role(One, 0),
  }),
}).check(
  refine(({ keys }) => Object.keys(keys).length <= 192, 'has too many keys'),
  refine(
    ({ keys }) => Object.entries(keys).every(([id, { key }]) => keyId(key) === id),
    'a key is not the one its name says',
  ),
  refine(
    ({ keys, roles }) => Object.values(roles).every(one => one.keys.every(id => Object.hasOwn(keys, id))),
    'a role names a key that is not there',
  ),
);
export type Root = z.infer<typeof Root>;
export type RootRole = keyof Root['roles'];

/** A file `trust/root/<n>.json`. A signature is an SSHSIG blob in base64, namespace `mcpctl-root`. */
export const RootDocument = strictObject({
  signed: Root,
  signatures: array(strictObject({ key: KeyId, signature: base64().check(maxLength(8192)) })).check(
    maxLength(128),
    refine(
      all => all.every(({ key }, index) => index === 0 || (all[index - 1]?.key ?? '') < key),
      'signatures are not sorted by key, or a key signed twice',
    ),
  ),
});
export type RootDocument = z.infer<typeof RootDocument>;

export function parseRoot(bytes: Uint8Array, what: string): Parsed<RootDocument> {
  return parseCanonical(bytes, RootDocument, { code: 'ROOT_INVALID', what, maxBytes: MAX_ROOT_BYTES });
}

export function printRoot(document: RootDocument): string {
  return canonicalFile(document);
}

/** The bytes that a root's signatures are over. */
export function rootPayload(root: Root): Buffer {
  return Buffer.from(canonicalJson(root));
}

/** `sha256:…` of what a root says: what is pinned on a machine. Its signatures are not part of it. */
export function rootFingerprint(root: Root): string {
  return `sha256:${createHash('sha256').update(rootPayload(root)).digest('hex')}`;
}
