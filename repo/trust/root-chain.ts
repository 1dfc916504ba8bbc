import { type RootDocument, type RootRole, rootFingerprint, rootPayload } from '../../schema/index.ts';
import { readPublicKey } from './public-key.ts';
import { isOver, parseSignature } from './ssh-signature.ts';

/** The namespace of signatures on roots: a signature made for anything else is none. */
export const ROOT_NAMESPACE = 'mcpctl-root';

/** Versions of the root, each signed by the one before it; the first is pinned. */
export type RootChain = readonly [RootDocument, ...RootDocument[]];

/** How far a chain could be walked, and why no further. */
export interface Walk {
  chain: RootChain;
  /** What is wrong with the versions that were offered; the chain up to there holds all the same. */
  faults: string[];
}

/**
 * Walk from a chain that is trusted to the newest version that documents lead to. Each next version must be signed by
 * enough keys of the role `root` of the version before it, and of its own. Pure.
 * @param offered by version; may repeat what is known already, and must not contradict it
 */
export function walkRoots(known: RootChain, offered: ReadonlyMap<number, RootDocument>): Walk {
  const chain: [RootDocument, ...RootDocument[]] = [...known];
  const faults: string[] = [];
  for (const document of known) {
    const again = offered.get(document.signed.version);
    if (again && again !== document && rootFingerprint(again.signed) !== rootFingerprint(document.signed)) {
      faults.push(`version ${document.signed.version} is not the one that was accepted before`);
    }
  }
  if (faults.length > 0) return { chain, faults };
  for (let last = newest(chain); ; last = newest(chain)) {
    const next = offered.get(last.version + 1);
    if (!next) break;
    const why = followFault(last, next);
    if (why !== undefined) return { chain, faults: [`version ${last.version + 1}: ${why}`] };
    chain.push(next);
  }
  const beyond = [...offered.keys()].filter(version => version > newest(chain).version);
  if (beyond.length > 0) {
    faults.push(`version ${Math.min(...beyond)} is there, but version ${newest(chain).version + 1} is not`);
  }
  return { chain, faults };
}

/** What the newest version of a chain says. */
export function newest(chain: RootChain): RootDocument['signed'] {
  return (chain.at(-1) ?? chain[0]).signed;
}

/** Why a root signed by itself cannot be the first; undefined when it can. */
export function firstFault(document: RootDocument): string | undefined {
  return thresholdFault(document, document.signed, 'its own');
}

function followFault(before: RootDocument['signed'], next: RootDocument): string | undefined {
  const { signed } = next;
  if (signed.version !== before.version + 1) return `it says that it is version ${signed.version}`;
  if (signed.repository !== before.repository) return 'it is for another repository';
  return thresholdFault(next, before, `version ${before.version}’s`) ?? thresholdFault(next, signed, 'its own');
}

/** Whether enough keys of a root's role `root` signed a document; each counts once. */
function thresholdFault(document: RootDocument, by: RootDocument['signed'], whose: string): string | undefined {
  const { keys, threshold } = by.roles.root;
  const payload = rootPayload(document.signed);
  const valid = document.signatures.filter(({ key, signature }) => {
    const listed = by.keys[key];
    return keys.includes(key) && listed && isSignedBy(listed.key, key, Buffer.from(signature, 'base64'), payload);
  });
  if (valid.length >= threshold) return undefined;
  return `${valid.length} of ${threshold} signatures that are needed by ${whose} keys for the root`;
}

function isSignedBy(publicKey: string, id: string, blob: Buffer, payload: Buffer): boolean {
  try {
    const signature = parseSignature(blob);
    const same = signature.keyId === id && signature.publicKey === publicKey;
    return same && signature.namespace === ROOT_NAMESPACE && isOver(signature, payload);
  } catch {
    return false;
  }
}

/** Who holds a key in a role: the name that the root gives it; undefined when nobody does. */
export function holder(root: RootDocument['signed'], role: RootRole, key: string): string | undefined {
  return root.roles[role].keys.includes(key) ? root.keys[key]?.name : undefined;
}

/** Why a public key cannot be used; undefined when it can. */
export function keyFault(publicKey: string): string | undefined {
  try {
    readPublicKey(publicKey);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
