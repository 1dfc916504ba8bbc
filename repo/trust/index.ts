/**
 * Who said so: the root of trust and the chain of its versions (`walkRoots`), signed releases and every check on them by
 * name (`verifyRelease`), and what one machine trusts and has seen (`readTrust`, `advanceTrust`). Judging is pure; the
 * keys' private halves are never seen here (`signWithKey` leaves that to ssh-keygen).
 */
export type { CheckedTag, Mark } from './check-tag.ts';
export * from './known-releases.ts';
export * from './release-objects.ts';
export {
  openReleaseSource,
  type ReleaseSource,
  type ReleaseSourceOptions,
  type SeenReleases,
} from './release-source.ts';
export { chainFrom, readRootDocuments } from './repository-roots.ts';
export { writeRestored } from './restore.ts';
export { firstFault, keyFault, newest, ROOT_NAMESPACE, type RootChain, walkRoots } from './root-chain.ts';
export { signWithKey, sshKeygen } from './sign.ts';
export { isOver, parseArmour, parseSignature } from './ssh-signature.ts';
export { advanceTrust, findTrust, type MachineTrust, pinRoot, readTrust } from './trust-store.ts';
export type { Check } from './verdict.ts';
export { type Verdict, type VerifiedRelease, type VerifyOptions, verifyRelease } from './verify-release.ts';
