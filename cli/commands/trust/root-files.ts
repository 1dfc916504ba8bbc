import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeAtomic } from '../../../host/index.ts';
import { ROOT_NAMESPACE, signWithKey } from '../../../repo/trust/index.ts';
import {
  ProblemError,
  parseRoot,
  printRoot,
  ROOT_FOLDER,
  type RootDocument,
  rootPayload,
} from '../../../schema/index.ts';
import type { CliContext } from '../../context.ts';

/** The file of a version of the root; of one that is not signed enough yet, its draft. */
export function rootFile(root: string, version: number, draft = false): string {
  return join(root, ROOT_FOLDER, `${version}${draft ? '.draft' : ''}.json`);
}

/** @throws ProblemError ROOT_INVALID for one that nobody would accept: a name with control characters, too many keys */
export async function writeRoot(path: string, document: RootDocument): Promise<void> {
  const parsed = parseRoot(Buffer.from(printRoot(document)), 'the new root');
  if ('problem' in parsed) throw new ProblemError(parsed.problem);
  await mkdir(dirname(path), { recursive: true });
  await writeAtomic(path, printRoot(document), { mode: 0o644 });
}

export function hasRoot(root: string): boolean {
  return existsSync(rootFile(root, 1));
}

/** A document with one more signature. */
export async function addSignature(
  { env, signal }: Pick<CliContext, 'env' | 'signal'>,
  { signed, signatures }: RootDocument,
  keyFile: string,
): Promise<RootDocument> {
  const { keyId: key, armour } = await signWithKey(keyFile, ROOT_NAMESPACE, rootPayload(signed), env, signal);
  const signature = armour.split('\n').slice(1, -2).join('');
  const others = signatures.filter(one => one.key !== key);
  return { signed, signatures: [...others, { key, signature }].sort((a, b) => (a.key < b.key ? -1 : 1)) };
}
