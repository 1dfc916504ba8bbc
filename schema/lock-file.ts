import valid from 'semver/functions/valid.js';
import { z } from 'zod';
import type { Lock } from './kinds/index.ts';
import { type Problem, problem } from './problem.ts';
import { quoted } from './quote.ts';

const Dependencies = z.record(z.string(), z.string());

/** One entry of a package-lock's `packages`, as far as it is read; `link` and the others must not say anything. */
const LockEntry = z.object({
  name: z.string().optional(),
  version: z.string().optional(),
  resolved: z.string().optional(),
  integrity: z.string().optional(),
  link: z.boolean().optional(),
  inBundle: z.boolean().optional(),
});
type LockEntry = z.infer<typeof LockEntry>;

const LockRoot = z.object({
  dependencies: Dependencies.default({}),
  devDependencies: Dependencies.default({}),
  optionalDependencies: Dependencies.default({}),
  peerDependencies: Dependencies.default({}),
  workspaces: z.undefined().optional(),
});

const LockFile = z.object({
  lockfileVersion: z.union([z.literal(2), z.literal(3)]),
  packages: z.record(z.string(), z.unknown()),
});

const MAX_PROBLEMS = 20;

/**
 * Check an npm package-lock: every package comes from a registry and is pinned by a sha512 digest, lands below
 * `node_modules/`, and what it is for is named in exact versions.
 * @param text the file's JSON
 * @returns the lock, or what is wrong (`LOCK_INVALID`), each naming its entry
 */
export function parseLock(text: string, file: string, oid: string): Lock | Problem[] {
  const at = { file, line: 1, column: 1 };
  const invalid = (message: string): Problem => problem('LOCK_INVALID', message, { at });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return [invalid('the lock is not JSON')];
  }
  const lock = LockFile.safeParse(json);
  if (!lock.success) return [invalid('the lock is not a package-lock of lockfileVersion 2 or 3 with `packages`')];
  const { '': rootEntry, ...entries } = lock.data.packages;
  const root = LockRoot.safeParse(rootEntry);
  if (!root.success) return [invalid('the root entry `""` is missing, malformed or has workspaces')];

  const wrong = [...rootComplaints(root.data), ...standInComplaints(root.data, entries)];
  for (const [key, entry] of Object.entries(entries)) {
    if (wrong.length >= MAX_PROBLEMS) break;
    const complaint = entryComplaint(key, entry);
    if (complaint !== undefined) wrong.push(`${quoted(key, 200)} ${complaint}`);
  }
  if (wrong.length > 0) return wrong.slice(0, MAX_PROBLEMS).map(invalid);
  return { oid, dependencies: root.data.dependencies, packages: Object.keys(entries).length };
}

function rootComplaints(root: z.infer<typeof LockRoot>): string[] {
  const wrong: string[] = [];
  for (const field of ['devDependencies', 'optionalDependencies', 'peerDependencies'] as const) {
    if (Object.keys(root[field]).length > 0)
      wrong.push(`the root entry has \`${field}\`; only \`dependencies\` may be`);
  }
  for (const [name, version] of Object.entries(root.dependencies)) {
    if (valid(version) === version) continue;
    wrong.push(`the root dependency ${quoted(name)} is not pinned to an exact version`);
  }
  return wrong;
}

/** What is asked for by name and version is what is installed: no other package, or version, in its place. */
function standInComplaints(root: z.infer<typeof LockRoot>, entries: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(root.dependencies).flatMap(([name, version]) => {
    const key = `node_modules/${name}`;
    const entry = LockEntry.safeParse(Object.hasOwn(entries, key) ? entries[key] : undefined);
    if (!entry.success) return [`${quoted(key)} is missing, or malformed`];
    const { name: other = name, version: found } = entry.data;
    if (other === name && found === version) return [];
    return [`${quoted(key)} holds ${quoted(`${other}@${found}`)} in place of ${quoted(`${name}@${version}`)}`];
  });
}

const packageName = String.raw`(?:@[A-Za-z0-9_~-][A-Za-z0-9._~-]*\/)?[A-Za-z0-9_~-][A-Za-z0-9._~-]*`;
const installPath = new RegExp(`^(?:node_modules/${packageName}/)*node_modules/(${packageName})$`);
const sha512 = /^sha512-[A-Za-z0-9+/]{86}==$/;

/** What is wrong with one entry, to follow its name; undefined when nothing is. */
function entryComplaint(key: string, value: unknown): string | undefined {
  const path = key.length <= 1024 ? installPath.exec(key) : null;
  if (!path) return 'is not a path of packages below `node_modules/`';
  const parsed = LockEntry.safeParse(value);
  if (!parsed.success) return 'is malformed';
  const entry = parsed.data;
  if (entry.link) return 'is a link';
  if (entry.version === undefined || valid(entry.version) === null) return 'has no version';
  if (entry.resolved !== undefined && !isRegistryTarball(entry.resolved, entry.name ?? path[1] ?? '')) {
    return 'does not come from an https registry under its own name';
  }
  const bundled = entry.inBundle === true && key.indexOf('node_modules/') !== key.lastIndexOf('node_modules/');
  return bundled || hasSha512(entry) ? undefined : 'has no sha512 integrity';
}

function hasSha512({ integrity = '' }: LockEntry): boolean {
  return integrity.length < 1024 && integrity.split(/\s+/).some(digest => sha512.test(digest));
}

/** `https://<any host>/…/<name>/-/<file>.tgz`, the address of a package's tarball on every npm registry. */
function isRegistryTarball(resolved: string, name: string): boolean {
  if (!URL.canParse(resolved)) return false;
  const { protocol, username, password, pathname } = new URL(resolved);
  if (protocol !== 'https:' || username !== '' || password !== '') return false;
  const path = pathname.replace(/%2f/gi, '/');
  return path.includes(`/${name}/-/`) && path.endsWith('.tgz');
}
