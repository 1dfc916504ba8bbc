import { createHash } from 'node:crypto';
import {
  MANIFEST_PATH,
  type Manifest,
  type ManifestFile,
  manifestFiles,
  parseManifest,
  type ReleaseMessage,
} from '../../schema/index.ts';
import type { TreeFile } from '../tree-changes.ts';
import type { Checks } from './verdict.ts';

/** Check a manifest's bytes against what the tag says of them. Pure. */
export function checkManifestBytes(
  bytes: Buffer | undefined,
  { manifest: said }: ReleaseMessage,
  checks: Checks,
): bytes is Buffer {
  if (!bytes) {
    checks.fail('manifest', `the commit has no ${MANIFEST_PATH}, or a larger one than the ${said.size} bytes signed`);
    return false;
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const is = `${bytes.length} bytes, sha256 ${sha256}`;
  const same = bytes.length === said.size && sha256 === said.sha256;
  return checks.test('manifest', same, is, `it has ${is}; signed are ${said.size} and ${said.sha256}`);
}

/** Read a manifest whose bytes are the ones signed. Pure. */
export function checkManifest(bytes: Buffer, { repository }: ReleaseMessage, checks: Checks): Manifest | undefined {
  const parsed = parseManifest(bytes);
  if ('problem' in parsed) {
    checks.fail('manifest', parsed.problem.message);
    return undefined;
  }
  const { value } = parsed;
  const { resources } = value;
  const other = `it is for \`${value.repository}\`, not for \`${repository}\``;
  const holds = checks.test('manifest', value.repository === repository, `${resources.length} resources`, other);
  return holds ? value : undefined;
}

/**
 * Check that a commit has exactly the files of a manifest, with their modes. Pure.
 * @param files of the repository format, as the tree has them
 */
export function checkTree(manifest: Manifest, files: readonly TreeFile[], checks: Checks): void {
  const listed = manifestFiles(manifest);
  if (!listed) {
    checks.fail('tree', 'the manifest names a file twice');
    return;
  }
  const found = new Set<string>();
  for (const { path, mode, fault } of files) {
    const known = fault === undefined ? listed.get(path) : undefined;
    if (!known) checks.fail('tree', `\`${path}\` is in the commit, but not in the manifest`);
    else if (known.mode !== gitMode(mode)) checks.fail('tree', `\`${path}\` has mode ${mode}, not ${known.mode}`);
    found.add(path);
  }
  const missing = [...listed.keys()].find(path => !found.has(path));
  if (missing !== undefined) checks.fail('tree', `\`${missing}\` is in the manifest, but not in the commit`);
  checks.ok('tree', `${listed.size} files, with their modes`);
}

/** git's mode of a file, old ways of writing it among them; undefined for what is no file. */
export function gitMode(mode: string): ManifestFile['mode'] | undefined {
  if (!/^100[0-7]{3}$/.test(mode)) return undefined;
  return (Number.parseInt(mode, 8) & 0o100) === 0 ? '100644' : '100755';
}

/** Size and sha256 of a file's content. */
export function measure(bytes: Uint8Array): Pick<ManifestFile, 'size' | 'sha256'> {
  return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}
