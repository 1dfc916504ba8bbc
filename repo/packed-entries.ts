import { type AnyResource, isFromNpm, keptResource, type ParsedFile, resourceId } from '../schema/index.ts';
import type { Entry } from './parsed-files.ts';

/** What every entry has. */
type Head = [path: string, signature: string, mode: string, flags: number];
/** The usual file is a valid resource with nothing to remark. What it says is apart, `bytes` long. */
type Usual = [
  ...Head,
  oid: string,
  kind: AnyResource['kind'],
  scope: AnyResource['scope'],
  name: string,
  digest: string,
  references: AnyResource['references'],
  bytes: number,
];
type Packed = Usual | [...Head, parsed: ParsedFile];

const SETTLED = 1;
const WHOLE = 2;
const NPM = 4;

/**
 * Entries as bytes: one line of JSON about all of them, and behind it what each resource says, so that nobody who does
 * not ask for that pays for its parsing.
 */
export function packEntries(entries: readonly Entry[]): Buffer {
  const said: Buffer[] = [];
  const packed = entries.map(entry => {
    const [row, text] = pack(entry);
    if (text) said.push(text);
    return row;
  });
  return Buffer.concat([Buffer.from(`${JSON.stringify(packed)}\n`), ...said]);
}

/** The other way round. Throws when it is not what `packEntries` makes. */
export function unpackEntries(bytes: Buffer): Entry[] {
  const end = bytes.indexOf(0x0a);
  const packed: Packed[] = JSON.parse(bytes.toString('utf8', 0, end));
  let start = end + 1;
  const entries = packed.map(row => {
    const entry = unpack(row, bytes, start);
    if (row.length !== 5) start += row[10];
    return entry;
  });
  if (start !== bytes.length) throw new Error('not all of it is there');
  return entries;
}

function pack({ signature, settled, mode, whole, parsed }: Entry): [row: Packed, text?: Buffer] {
  const { path, oid, resource } = parsed;
  const flags = (settled ? SETTLED : 0) | (whole ? WHOLE : 0);
  if (!resource || !isUsual(parsed, resource)) return [[path, signature, mode, flags, parsed]];
  const { kind, scope, name, digest, references } = resource;
  const text = Buffer.from(JSON.stringify([resource.metadata, resource.spec]));
  const npm = resource.kind === 'Server' && isFromNpm(resource) ? NPM : 0;
  return [[path, signature, mode, flags | npm, oid, kind, scope, name, digest, references, text.length], text];
}

function isUsual(
  { path, id, problems, ...more }: ParsedFile,
  { kind, scope, name, file, ...own }: AnyResource,
): boolean {
  const isNamed = own.id === id && id === resourceId(kind, scope, name);
  return problems.length === 0 && file === path && isNamed && Object.keys(more).length === 2;
}

function unpack(row: Packed, bytes: Buffer, start: number): Entry {
  const [path, signature, mode, flags] = row;
  const head = { signature, settled: (flags & SETTLED) !== 0, mode, whole: (flags & WHOLE) !== 0 };
  if (row.length === 5) return { ...head, parsed: row[4] };
  const [, , , , oid, kind, scope, name, digest, references, length] = row;
  const id = resourceId(kind, scope, name);
  const about = { id, kind, scope, name, file: path, digest, references, npm: (flags & NPM) !== 0 };
  const resource = keptResource(about, () => JSON.parse(bytes.toString('utf8', start, start + length)));
  return { ...head, parsed: { path, oid, id, resource, problems: [] } };
}
