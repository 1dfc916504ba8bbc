import {
  type Manifest,
  ProblemError,
  parseManifest,
  parseReleaseMessage,
  type ReleaseMessage,
} from '../../schema/index.ts';
import { type Objects, openObjects } from '../objects.ts';
import type { Oid } from '../types.ts';
import { checkManifest, checkManifestBytes, checkTree } from './check-manifest.ts';
import { type CheckedTag, checkTag, isRenewal, type Mark } from './check-tag.ts';
import {
  compareFiles,
  listTree,
  type Measured,
  readCommitObject,
  readManifestBytes,
  readObject,
  readRoots,
  rootTree,
} from './read-release.ts';
import { newest, type RootChain, walkRoots } from './root-chain.ts';
import { MAX_TAG_BYTES, parseTag } from './tag-object.ts';
import { type Check, Checks } from './verdict.ts';

/** How many renewals in a row are followed back to the release they renew. */
const MAX_RENEWALS = 100;

/** What has the tag and what it leads to: a repository, or objects that are open already, and stay so. */
export type ReleasePlace =
  | { gitDir: string; env: Readonly<Record<string, string | undefined>>; objects?: Objects | undefined }
  | { objects: Objects };

/** Use what is open already, or open it and close it again. */
export async function withObjects<T>(place: ReleasePlace, use: (objects: Objects) => Promise<T>): Promise<T> {
  if (!('gitDir' in place)) return use(place.objects);
  if (place.objects) return use(place.objects);
  const objects = openObjects(place.gitDir, place.env);
  try {
    return await use(objects);
  } finally {
    objects.close();
  }
}

export type VerifyOptions = VerifyTerms & ReleasePlace;

export interface VerifyTerms {
  /** The folder inside the repository that has `mcpctl.yaml`; empty for its root. */
  path: string;
  /** The full name the tag is known by, `refs/tags/v1.2.0`. */
  ref: string;
  /** Where the tag is, if it is kept under another name here; its name is `ref` all the same. */
  object?: string;
  /** The chain this machine trusts; newer versions that the release brings along are walked to. */
  chain: RootChain;
  /** A commit that may have newer versions of the root than the release; what of them does not hold adds nothing. */
  rootsAt?: string;
  mark?: Mark | undefined;
  now: number;
  allowRollback?: boolean;
  /** See `Terms`. */
  asOf?: 'newest' | 'stated';
  /** The manifest is compared with its signed hash, and read only when it is used. */
  hashOnly?: boolean;
  /** Hash every file too. What was hashed before may be handed in. */
  files?: boolean | Measured;
}

/** A release that passed every check that was made. */
export interface VerifiedRelease extends CheckedTag {
  ref: string;
  /** The tag object. */
  tag: Oid;
  /** The released tree's root folder. */
  root: Oid;
  manifest: Manifest;
}

export interface Verdict {
  trusted: boolean;
  checks: Check[];
  /** The tag object that was looked at, where there is one. */
  tag?: Oid;
  /** Only of a release that is trusted. */
  release?: VerifiedRelease;
  /** A renewal that could not be judged without this tag, the one before. */
  renews?: string;
  /** The chain as far as it holds: a root that came with an untrusted release is a root all the same. */
  chain: RootChain;
}

/**
 * Whether a release is to be trusted, and every check by name. Everything is read by the ids that the tag object leads
 * to, so that a ref that moves meanwhile changes nothing; that it moved is said.
 */
export async function verifyRelease(options: VerifyOptions): Promise<Verdict> {
  return withObjects(options, objects => verifyWith(objects, options));
}

/** The same over a connection that is open already. */
async function verifyWith(objects: Objects, options: VerifyTerms): Promise<Verdict> {
  const { ref, path, object = ref } = options;
  const checks = new Checks();
  const found = await readObject(objects, object, 'tag', MAX_TAG_BYTES);
  if (!found) {
    const there = await objects.info(object);
    checks.fail('object', whyNoTag(there?.type, ref));
    return { trusted: false, checks: checks.list(), chain: options.chain, ...(there && { tag: there.oid }) };
  }
  checks.ok('object', found.oid);
  const { commit, root } = await readCommit(objects, found.bytes, path, checks);
  const known = await withRootsAt(objects, options);
  const chain = await readChain(objects, root, known, checks);
  const { mark, now, allowRollback, asOf = 'newest' } = options;
  const terms = { chain, mark, now, allowRollback, asOf };
  const renewed = isRenewal(found.bytes, terms) ? await renewedManifest(objects, found.bytes, chain) : undefined;
  const checked = checkTag(found.bytes, ref, found.oid, { ...terms, renewed }, checks);
  const renews =
    checks.failed?.name === 'key' && renewed === undefined ? await unseenBefore(objects, found.bytes) : undefined;
  const untrusted = () => ({
    trusted: false,
    checks: checks.list(),
    chain,
    tag: found.oid,
    ...(renews !== undefined && { renews }),
  });
  if (!checked || !commit || root === undefined) return untrusted();
  const bytes = await readManifestBytes(objects, root, checked.message);
  if (!checkManifestBytes(bytes, checked.message, checks)) return untrusted();
  const manifest = options.hashOnly ? undefined : checkManifest(bytes, checked.message, checks);
  if (manifest) await checkContents(objects, root, manifest, options.files, checks);
  const after = await objects.info(object);
  checks.test('unmoved', after?.oid === found.oid, 'the tag is where it was', 'the tag moved meanwhile');
  if (checks.failed) return untrusted();
  const release = {
    ...checked,
    ref,
    tag: found.oid,
    root,
    get manifest(): Manifest {
      return manifest ?? readLater(bytes);
    },
  };
  return { trusted: true, checks: checks.list(), chain, tag: found.oid, release };
}

function whyNoTag(type: string | undefined, ref: string): string {
  if (type === undefined) return `there is no ${ref}`;
  return type === 'tag' ? `${ref} is too large, or damaged` : `${ref} is a ${type}: no annotated tag, so not signed`;
}

async function readCommit(
  objects: Objects,
  tag: Buffer,
  path: string,
  checks: Checks,
): Promise<{ commit?: { tree: Oid }; root?: Oid }> {
  let oid: Oid;
  try {
    oid = parseTag(tag).commit;
  } catch {
    return {};
  }
  const commit = await readCommitObject(objects, oid);
  const root = commit && (await rootTree(objects, oid, path).catch(() => undefined));
  if (!commit || root === undefined) {
    checks.fail('commit', `${oid} is not there, or damaged, or has no folder \`${path}\``);
    return {};
  }
  const { parents } = commit;
  checks.test('commit', parents.length === 1, oid, `it has ${parents.length} parents, not one: the released commit`);
  return { commit, root };
}

async function readChain(
  objects: Objects,
  root: Oid | undefined,
  known: RootChain,
  checks: Checks,
): Promise<RootChain> {
  if (root === undefined) {
    checks.ok('root', described(known));
    return known;
  }
  const { documents, faults } = await readRoots(objects, root);
  const walk = walkRoots(known, documents);
  const all = [...faults, ...walk.faults];
  checks.test('root', all.length === 0, described(walk.chain), all.join('; '));
  return walk.chain;
}

/** The newest root that is known counts, also one that no release has yet. */
async function withRootsAt(objects: Objects, { rootsAt, path, chain }: VerifyTerms): Promise<RootChain> {
  if (rootsAt === undefined) return chain;
  const tree = await rootTree(objects, rootsAt, path).catch(() => undefined);
  return tree === undefined ? chain : walkRoots(chain, (await readRoots(objects, tree)).documents).chain;
}

function described(chain: RootChain): string {
  const { version } = newest(chain);
  const [{ signed }] = chain;
  return version === signed.version ? `version ${version}, pinned` : `version ${signed.version} pinned, to ${version}`;
}

/**
 * The manifest of the release that a renewal names as the one before, where that one is a release under the same root.
 * Under an earlier one it may be the work of a key that was taken away since.
 */
async function renewedManifest(
  objects: Objects,
  tag: Buffer,
  chain: RootChain,
  depth = 0,
): Promise<string | undefined> {
  const message = messageOf(tag);
  if (!message?.previous || depth >= MAX_RENEWALS) return undefined;
  const { oid, tag: name } = message.previous;
  const before = await readObject(objects, oid, 'tag', MAX_TAG_BYTES);
  if (!before || messageOf(before.bytes)?.rootVersion !== message.rootVersion) return undefined;
  const judge = (renewed?: string) => {
    const terms = { chain, now: 0, asOf: 'stated', renewed } as const;
    return checkTag(before.bytes, `refs/tags/${name}`, before.oid, terms, new Checks())?.message.manifest.sha256;
  };
  return judge() ?? judge(await renewedManifest(objects, before.bytes, chain, depth + 1));
}

async function checkContents(
  objects: Objects,
  root: Oid,
  manifest: Manifest,
  wanted: VerifyTerms['files'],
  checks: Checks,
): Promise<void> {
  if (wanted === undefined || wanted === false) {
    checks.skip('tree', 'not asked');
    checks.skip('files', 'not asked');
    return;
  }
  try {
    const files = await listTree(objects, root);
    checkTree(manifest, files, checks);
    if (checks.failed) return;
    const { count, mismatch } = await compareFiles(objects, manifest, files, wanted === true ? new Map() : wanted);
    checks.test('files', mismatch === undefined, `${count} files hashed`, mismatch ?? '');
  } catch (error) {
    checks.fail('files', (error as Error).message);
  }
}

/** @throws ProblemError MANIFEST_INVALID: somebody signed what is none */
function readLater(bytes: Buffer): Manifest {
  const parsed = parseManifest(bytes);
  if ('value' in parsed) return parsed.value;
  throw new ProblemError(parsed.problem);
}

/** The nearest of the releases before one that is not here. */
async function unseenBefore(objects: Objects, tag: Buffer): Promise<string | undefined> {
  let bytes = tag;
  for (let depth = 0; depth < MAX_RENEWALS; depth++) {
    const previous = messageOf(bytes)?.previous;
    if (!previous) return undefined;
    const before = await readObject(objects, previous.oid, 'tag', MAX_TAG_BYTES);
    if (!before) return previous.tag;
    bytes = before.bytes;
  }
  return undefined;
}

function messageOf(tag: Buffer): ReleaseMessage | undefined {
  try {
    const parsed = parseReleaseMessage(parseTag(tag).message);
    return 'value' in parsed ? parsed.value : undefined;
  } catch {
    return undefined;
  }
}
