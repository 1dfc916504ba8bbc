import {
  compareVersions,
  parseReleaseMessage,
  type ReleaseMessage,
  type Root,
  releaseVersion,
} from '../../schema/index.ts';
import type { Oid } from '../types.ts';
import { holder, newest, type RootChain } from './root-chain.ts';
import { isOver, parseArmour, parseSignature, type SshSignature } from './ssh-signature.ts';
import { parseTag, type TagObject } from './tag-object.ts';
import type { Checks } from './verdict.ts';

/** The namespace in which git signs. */
const TAG_NAMESPACE = 'git';

/** The newest release that a machine accepted. */
export interface Mark {
  rootVersion: number;
  sequence: number;
  version: string;
  /** Its tag object. */
  tag: Oid;
  /** sha256 of its manifest. */
  manifest: string;
}

/** What a tag is judged by. */
export interface Terms {
  chain: RootChain;
  mark?: Mark | undefined;
  /** Milliseconds of the wall clock. */
  now: number;
  /** Below the mark is allowed, this once. */
  allowRollback?: boolean | undefined;
  /**
   * `newest` is what decides what is served: only the newest root counts. `stated` asks whether it was a release when it
   * was made: by the root it names, whatever came after it.
   */
  asOf: 'newest' | 'stated';
  /** For a renewal: sha256 of the manifest of the release it names as the one before, where that one is trusted. */
  renewed?: string | undefined;
}

/** A tag whose every check holds. */
export interface CheckedTag {
  message: ReleaseMessage;
  commit: Oid;
  signer: { key: string; name: string; role: 'release' | 'renew' };
  /** When it was made, as its maker says; milliseconds. */
  taggedAt: number;
}

/**
 * Check a tag object by itself: who signed it, for what, and whether it may follow what was accepted before. Pure.
 * @param ref the full name it was found under
 * @returns undefined when one of the checks failed
 */
export function checkTag(bytes: Buffer, ref: string, oid: Oid, terms: Terms, checks: Checks): CheckedTag | undefined {
  let tag: TagObject;
  try {
    tag = parseTag(bytes);
    checks.ok('tag', `an annotated tag on the commit ${tag.commit.slice(0, 12)}`);
  } catch (error) {
    checks.fail('tag', (error as Error).message);
    return undefined;
  }
  checks.test(
    'name',
    ref === `refs/tags/${tag.name}` && releaseVersion(tag.name) !== undefined,
    `${tag.name}, as the tag object says`,
    `the tag object says \`${shown(tag.name)}\`, and was found as ${shown(ref)}`,
  );
  const signature = checkSignature(tag, checks);
  const parsed = parseReleaseMessage(tag.message);
  if ('problem' in parsed) {
    checks.fail('message', parsed.problem.message);
    return undefined;
  }
  const message = parsed.value;
  checks.ok('message', `${tag.message.length} bytes`);
  const root = rootFor(message, terms);
  const signer = signature && checkKey(signature, root, checks);
  checkStatement(message, tag.name, root, terms, checks);
  checkSequence(message, oid, terms, checks);
  if (signer?.role === 'renew') checkRenewal(message, terms, checks);
  if (checks.failed || !signer) return undefined;
  return { message, commit: tag.commit, signer, taggedAt: taggedAt(tag.tagger) };
}

/** Whether the key that a tag claims to be signed with may only renew, so that the release before is needed to judge it. */
export function isRenewal(bytes: Buffer, terms: Terms): boolean {
  try {
    const tag = parseTag(bytes);
    const message = parseReleaseMessage(tag.message);
    if ('problem' in message) return false;
    const root = rootFor(message.value, terms);
    const { keyId } = parseSignature(parseArmour(tag.signature));
    return holder(root, 'release', keyId) === undefined && holder(root, 'renew', keyId) !== undefined;
  } catch {
    return false;
  }
}

function checkSignature(tag: TagObject, checks: Checks): SshSignature | undefined {
  if (tag.signature === '') {
    checks.fail('signature', 'it is not signed with an SSH key');
    return undefined;
  }
  let signature: SshSignature;
  try {
    signature = parseSignature(parseArmour(tag.signature));
    const valid = isOver(signature, tag.payload);
    const type = signature.publicKey.split(' ')[0];
    if (!checks.test('signature', valid, `${type}, ${signature.hash}`, 'it is not over this tag')) return undefined;
  } catch (error) {
    checks.fail('signature', `malformed: ${(error as Error).message}`);
    return undefined;
  }
  const { namespace } = signature;
  checks.test('namespace', namespace === TAG_NAMESPACE, namespace, `it was made for \`${namespace}\`, not for git`);
  return signature;
}

/** The root whose roles count. */
function rootFor(message: ReleaseMessage, { chain, asOf }: Terms): Root {
  const stated = chain.find(({ signed }) => signed.version === message.rootVersion)?.signed;
  return asOf === 'stated' ? (stated ?? newest(chain)) : newest(chain);
}

function checkKey(signature: SshSignature, root: Root, checks: Checks): CheckedTag['signer'] | undefined {
  const { keyId: key } = signature;
  if (!Object.hasOwn(root.keys, key) || root.keys[key]?.key !== signature.publicKey) {
    checks.fail('key', `${key} is not in version ${root.version} of the root`);
    return undefined;
  }
  for (const role of ['release', 'renew'] as const) {
    const name = holder(root, role, key);
    if (name === undefined) continue;
    checks.ok('key', `${name}, ${key}, role \`${role}\``);
    return { key, name, role };
  }
  checks.fail('key', `${root.keys[key]?.name} (${key}) has no role that makes releases`);
  return undefined;
}

function checkStatement(message: ReleaseMessage, name: string, root: Root, terms: Terms, checks: Checks): void {
  const { repository, rootVersion, version, expires } = message;
  checks.test(
    'repository',
    repository === root.repository,
    repository,
    `it is for \`${repository}\`, not for \`${root.repository}\``,
  );
  checks.test(
    'root version',
    rootVersion === root.version,
    `version ${rootVersion}`,
    `it was made under version ${rootVersion} of the root; ${terms.asOf === 'newest' ? 'the newest is' : 'known is'} ${root.version}`,
  );
  checks.test('version', `v${version}` === name, version, `it says ${version}, and is named \`${shown(name)}\``);
  if (terms.asOf === 'stated') checks.skip('expiry', 'not asked');
  else if (expires === undefined) checks.ok('expiry', 'it does not expire');
  else checks.test('expiry', Date.parse(expires) > terms.now, `until ${expires}`, `it expired at ${expires}`);
}

function checkSequence(message: ReleaseMessage, oid: Oid, terms: Terms, checks: Checks): void {
  const { sequence, previous, version, rootVersion } = message;
  const follows = previous === undefined ? sequence === 1 : previous.sequence === sequence - 1;
  const grew = previous === undefined || compareVersions(version, previous.tag.slice(1)) > 0;
  if (!follows) checks.fail('sequence', `${sequence} does not follow the one before, ${previous?.sequence ?? 'none'}`);
  if (!grew) checks.fail('version', `${version} is not above the one before, ${previous?.tag}`);
  const { mark } = terms;
  if (terms.asOf === 'stated') {
    checks.ok('sequence', `${sequence}; not compared with what this machine accepted`);
    return;
  }
  if (!mark) {
    checks.ok('sequence', `${sequence}; this machine has accepted none before`);
    return;
  }
  // A new root makes every earlier release void, so that a sequence a thief ran up does not stand in the way.
  if (rootVersion > mark.rootVersion) {
    checks.ok('sequence', `${sequence}, the first under version ${rootVersion} of the root`);
    return;
  }
  if (sequence === mark.sequence) {
    checks.test(
      'sequence',
      oid === mark.tag,
      `${sequence}, the one accepted last`,
      `${sequence} is that of another release, v${mark.version}: two releases with one sequence`,
    );
    return;
  }
  if (sequence < mark.sequence) {
    const detail = `${sequence} is below ${mark.sequence}, which this machine accepted before`;
    if (terms.allowRollback) checks.ok('sequence', `${detail}; allowed this once`);
    else checks.fail('sequence', detail);
    return;
  }
  checks.ok('sequence', `${sequence}, above ${mark.sequence}`);
  if (compareVersions(version, mark.version) <= 0) {
    checks.fail('version', `${version} is not above ${mark.version}, which this machine accepted before`);
  }
}

/** Who may only renew signs nothing new. */
function checkRenewal({ manifest, rootVersion }: ReleaseMessage, { mark, renewed, asOf }: Terms, checks: Checks): void {
  const accepted = asOf === 'newest' && mark?.rootVersion === rootVersion ? mark.manifest : undefined;
  if ([renewed, accepted].includes(manifest.sha256)) return;
  checks.fail('key', 'it has the role `renew`, and this is not the manifest of the release before');
}

function taggedAt(tagger: string): number {
  const seconds = / (\d{1,12}) [+-]\d{4}$/.exec(tagger)?.[1];
  return seconds === undefined ? 0 : Number(seconds) * 1000;
}

/** What a stranger wrote, short and without control characters. */
function shown(text: string): string {
  return text.slice(0, 100).replace(/[^ -~]/g, '?');
}
