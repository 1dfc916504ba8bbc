import { ProblemError, problem } from '../../schema/index.ts';
import { lastWords } from '../git.ts';
import { isOver, parseArmour, parseSignature } from '../trust/index.ts';
import type { Oid } from '../types.ts';
import type { Workspace } from './workspace.ts';

const MAX_BYTES = 64 * 1024 * 1024;

/**
 * The SSH keys whose good signatures are on some commits: who made them, whatever their author lines say. Commits that
 * are not signed, or not by SSH, add nothing.
 * @returns keys as type and base64
 * @see gitformat-signature(5)
 */
export async function signersOf(workspace: Workspace, commits: readonly Oid[]): Promise<string[]> {
  if (commits.length === 0) return [];
  const result = await workspace.git(['cat-file', '--batch'], {
    input: `${commits.join('\n')}\n`,
    maxOutputBytes: MAX_BYTES,
  });
  if (result.code !== 0) throw new ProblemError(problem('READ_FAILED', `git cat-file: ${lastWords(result, [])}`));
  const keys = objectsIn(result.stdout).flatMap(commit => signerOf(commit) ?? []);
  return [...new Set(keys)];
}

/** The bodies of what `git cat-file --batch` printed. */
function objectsIn(output: Buffer): Buffer[] {
  const objects: Buffer[] = [];
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf(0x0a, at);
    const size = Number(/ (\d+)$/.exec(output.subarray(at, end).toString('latin1'))?.[1] ?? 0);
    objects.push(output.subarray(end + 1, end + 1 + size));
    at = end + 1 + size + 1;
  }
  return objects;
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
