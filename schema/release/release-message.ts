import { int, iso, literal, maximum, maxLength, minimum, optional, strictObject, string, type z } from 'zod/mini';
import { problem } from '../problem.ts';
import { canonicalJson, type Parsed, parseCanonical } from './canonical-json.ts';
import { ObjectId, RepositoryId, releaseVersion, Sequence, Sha256, Size, Version } from './names.ts';
import { MAX_ROOT_VERSION } from './root.ts';

/** What is signed may be this long; the signature behind it is not counted. */
export const MAX_MESSAGE_BYTES = 4096;

/** What a release's tag says. */
export const ReleaseMessage = strictObject({
  apiVersion: literal('mcpctl.dev/v1'),
  kind: literal('Release'),
  repository: RepositoryId,
  version: Version,
  /** Grows with every release. */
  sequence: Sequence,
  /** The root it was made under. */
  rootVersion: int().check(minimum(1), maximum(MAX_ROOT_VERSION)),
  manifest: strictObject({ sha256: Sha256, size: Size }),
  /** The release before it; left out for the first. `oid` is its tag object's. */
  previous: optional(strictObject({ tag: string().check(maxLength(65)), oid: ObjectId, sequence: Sequence })),
  /** From when on it is not trusted any more. */
  expires: optional(iso.datetime({ precision: 0 })),
  /** The version whose content this is once more, after a rollback. */
  restores: optional(Version),
});
export type ReleaseMessage = z.infer<typeof ReleaseMessage>;

/** The text of a release's tag: a line for people, an empty one, and the statement in canonical JSON. */
export function printReleaseMessage(message: ReleaseMessage): string {
  return `${title(message.version)}\n\n${canonicalJson(message)}\n`;
}

/** Read a tag's text, without its signature; only what `printReleaseMessage` would write is one. */
export function parseReleaseMessage(bytes: Uint8Array): Parsed<ReleaseMessage> {
  const refuse = (why: string) => ({ problem: problem('RELEASE_INVALID', `the tag’s message ${why}`) });
  if (bytes.length > MAX_MESSAGE_BYTES) return refuse(`has ${bytes.length} bytes; ${MAX_MESSAGE_BYTES} are allowed`);
  const begin = Buffer.from(bytes).indexOf('\n\n');
  if (begin === -1) return refuse('is not that of a release');
  const parsed = parseCanonical(bytes.subarray(begin + 2), ReleaseMessage, {
    code: 'RELEASE_INVALID',
    what: 'the tag’s message',
    maxBytes: MAX_MESSAGE_BYTES,
  });
  if ('problem' in parsed) return parsed;
  const { version, previous } = parsed.value;
  if (Buffer.from(bytes.subarray(0, begin)).toString() !== title(version)) {
    return refuse(`does not begin with \`${title(version)}\``);
  }
  if (previous && releaseVersion(previous.tag) === undefined) return refuse('names a previous release that is none');
  return parsed;
}

function title(version: string): string {
  return `Release v${version}`;
}
