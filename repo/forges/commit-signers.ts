import { ProblemError, problem } from '../../schema/index.ts';
import type { Objects } from '../objects.ts';
import { isOver, parseArmour, parseSignature } from '../trust/index.ts';
import type { Oid } from '../types.ts';

/** Of one commit. */
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * The SSH keys whose good signatures are on some commits: who made them, whatever their author lines say. Commits that
 * are not signed, or not by SSH, add nothing.
 * @returns keys as type and base64
 * @see gitformat-signature(5)
 */
export async function signersOf(objects: Objects, commits: readonly Oid[]): Promise<string[]> {
  const found = await Promise.all(commits.map(oid => objects.contents(oid, MAX_BYTES)));
  const keys = found.flatMap((commit, index) => {
    if (commit?.bytes) return signerOf(commit.bytes) ?? [];
    throw new ProblemError(problem('READ_FAILED', `the commit ${commits[index]} is missing, or too large`));
  });
  return [...new Set(keys)];
}

/** The key of a commit's signature, if that is good. */
function signerOf(commit: Buffer): string | undefined {
  // Latin-1 keeps every byte as it is.
  const text = commit.toString('latin1');
  const head = text.slice(0, text.indexOf('\n\n') + 1);
  const field = /^gpgsig(?:-sha256)? (.*\n(?: .*\n)*)/m.exec(head);
  if (!field) return undefined;
  const armour = (field[1] ?? '').replace(/^ /gm, '');
  const payload = Buffer.from(text.slice(0, field.index) + text.slice(field.index + field[0].length), 'latin1');
  try {
    const signature = parseSignature(parseArmour(armour));
    return signature.namespace === 'git' && isOver(signature, payload) ? signature.publicKey : undefined;
  } catch {
    return undefined;
  }
}
