import type { Oid } from './types.ts';

/** An entry of one tree object. */
export interface TreeEntry {
  /** Unique in its folder, but where it is not readable: then it is something to show to people. */
  name: string;
  /** False when the name is not valid UTF-8, has control characters, or cannot be a part of a path. */
  readable: boolean;
  /** git's octal mode, six digits: `040000`, `100644`, `100755`, `120000`, `160000`. */
  mode: string;
  oid: Oid;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Take a tree object apart (`<mode> SP <name> NUL <binary id>`, repeated; see gitformat-pack(5) and git-cat-file(1)).
 * Throws an Error when the bytes are not that.
 * @param oidBytes 20, or 32 in SHA-256 repositories
 */
export function parseTree(bytes: Buffer, oidBytes: number): TreeEntry[] {
  const entries: TreeEntry[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const space = bytes.indexOf(0x20, offset);
    const nul = bytes.indexOf(0, space);
    const end = nul + 1 + oidBytes;
    if (space === -1 || nul === -1 || space - offset > 6 || end > bytes.length) throw new Error('not a tree object');
    const mode = bytes.subarray(offset, space).toString('latin1').padStart(6, '0');
    const nameBytes = bytes.subarray(space + 1, nul);
    const name = decodeName(nameBytes);
    const shown =
      name ??
      nameBytes
        .subarray(0, 200)
        .toString('latin1')
        .replace(/[^ -.0-~]/g, '?');
    entries.push({ name: shown, readable: name !== undefined, mode, oid: bytes.toString('hex', nul + 1, end) });
    offset = end;
  }
  return entries;
}

function decodeName(bytes: Buffer): string | undefined {
  let name: string;
  try {
    name = utf8.decode(bytes);
  } catch {
    return undefined;
  }
  if (name === '' || name === '.' || name === '..' || /[\p{Cc}\u2028\u2029/]/u.test(name)) return undefined;
  return name;
}
