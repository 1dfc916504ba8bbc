/** Names that Windows gives to devices, with whatever extension; the superscript digits count as digits there. */
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])(?:[. ].*)?$/i;
/** What Windows forbids in a name, and what steers a terminal, or hides in it. */
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}<>:"|?*\\]/u;
/** Characters that macOS leaves out when it compares names. */
const IGNORABLE = /[\p{Default_Ignorable_Code_Point}]/gu;

const MAX_PART_BYTES = 255;
const MAX_PATH_BYTES = 1024;
const MAX_DEPTH = 16;

/**
 * Why a bundle's file must not be written to a disk, whichever system it is; undefined for one that may.
 * @param path below the bundle's folder, `/`-separated
 */
function pathDanger(path: string): string | undefined {
  if (path === '') return 'it is empty';
  if (!path.isWellFormed()) return 'it is not valid Unicode';
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `it is longer than ${MAX_PATH_BYTES} bytes`;
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'it is absolute';
  const parts = path.split('/');
  if (parts.length > MAX_DEPTH) return `it is more than ${MAX_DEPTH} folders deep`;
  for (const part of parts) {
    const danger = partDanger(part);
    if (danger !== undefined) return danger;
  }
  return undefined;
}

function partDanger(part: string): string | undefined {
  if (part === '' || part === '.' || part === '..') return 'it has an empty part, `.` or `..`';
  if (Buffer.byteLength(part) > MAX_PART_BYTES) return `a name in it is longer than ${MAX_PART_BYTES} bytes`;
  if (isGitFolder(part)) return 'a name in it is read as `.git` by some system';
  if (FORBIDDEN.test(part)) return 'a name in it has a character that some system forbids or hides';
  if (/[. ]$/.test(part)) return 'a name in it ends with a dot or a blank, which Windows leaves out';
  if (DEVICE.test(part)) return 'a name in it is a device of Windows';
  if (/~[0-9]/.test(part)) return 'a name in it looks like a short name of Windows';
  return undefined;
}

/** `.git`, and what NTFS and HFS+ take for it. */
function isGitFolder(part: string): boolean {
  const plain = part
    .replace(IGNORABLE, '')
    .normalize('NFKC')
    .toLowerCase()
    .replace(/:.*$/, '')
    .replace(/[. ]+$/, '');
  return plain === '.git' || /^git~[0-9]+$/.test(plain);
}

/** The form in which two names are one on some disk: without case and Unicode form. */
function foldedPath(path: string): string {
  return path.normalize('NFKC').toLowerCase().normalize('NFKC').replace(IGNORABLE, '');
}

/**
 * The first danger in a bundle's paths: of each by itself, or of two that some disk takes for one, a file and a folder
 * among them.
 * @returns the path and why; undefined when all may be written
 */
export function bundleDanger(paths: readonly string[]): { path: string; why: string } | undefined {
  const spelled = new Map<string, string>();
  const files = new Set<string>();
  for (const path of paths) {
    const why = pathDanger(path);
    if (why !== undefined) return { path, why };
    const twin = twinOf(path, spelled);
    if (twin !== undefined) return { path, why: `some disks take it for \`${twin}\`` };
    files.add(foldedPath(path));
  }
  for (const path of paths) {
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
      const folder = path.slice(0, end);
      if (files.has(foldedPath(folder))) return { path, why: `\`${folder}\` is a file already` };
    }
  }
  return undefined;
}

/** Another spelling of the path, or of one of its folders, that was seen before; the path twice is one of itself. */
function twinOf(path: string, spelled: Map<string, string>): string | undefined {
  for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
    const prefix = end === -1 ? path : path.slice(0, end);
    const folded = foldedPath(prefix);
    const known = spelled.get(folded);
    if (known !== undefined && (known !== prefix || end === -1)) return known;
    spelled.set(folded, prefix);
    if (end === -1) return undefined;
  }
}
