import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { classify, MANIFEST_PATH, ProblemError, releaseVersion } from '../schema/index.ts';
import { readBlobs, rootTree } from './commit-files.ts';
import { git } from './git.ts';
import { type Objects, openObjects } from './objects.ts';
import { listFiles } from './thin-files.ts';
import { parseTree } from './tree.ts';
import type { TreeFile } from './tree-changes.ts';
import type { Mirror, Oid } from './types.ts';
import { printObjects } from './wire/object-file.ts';
import { ObjectSet, type ObjectType } from './wire/object-set.ts';

export interface BundleOptions {
  mirror: Mirror;
  env: NodeJS.ProcessEnv;
  /** The repository’s folder inside the git repository. */
  path: string;
}

/** What machines without access to the repository are given of a release, or of a commit where there are none. */
export interface Bundle {
  /** Changes whenever anything of it does. */
  etag: string;
  /** Of the file: see `printObjects`. */
  print(): Promise<Buffer[]>;
}

export interface Bundles {
  /**
   * @param release `latest`, or a release by name
   * @param inService the commit that `latest` means
   * @returns undefined for a release that is not there
   */
  find(release: string, inService: Oid, signal?: AbortSignal): Promise<Bundle | undefined>;
}

const RELEASES = 'refs/mcpctl/releases/';
const ASKED_FOR = 'refs/mcpctl/bundles/';
const FOLLOWED = 'refs/heads/followed';
const ROOTS = 'trust/root';
const MAX_TREE_BYTES = 16 * 1024 * 1024;
const MAX_RENEWALS = 20;
/** One file is kept in memory for the next machine, unless it is larger. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024;

/** Make bundles from the daemon’s mirror: the tag, its commit, the folders, the manifest, the root’s versions, skills. */
export function openBundles(options: BundleOptions): Bundles {
  let kept: { etag: string; parts: Buffer[] } | undefined;
  return {
    async find(release, inService, signal) {
      const what = release === 'latest' ? await latest(options, inService) : await named(options, release, signal);
      if (!what) return undefined;
      const branch = await readFile(join(options.mirror.gitDir, FOLLOWED), 'utf8').catch(() => undefined);
      const full: Wanted = { ...what, branch: branch?.trim() };
      const etag = await withObjects(options, objects => etagOf(objects, full, options.path));
      return {
        etag,
        async print() {
          if (kept?.etag === etag) return kept.parts;
          const parts = [...(await withObjects(options, objects => print(objects, full, options.path)))];
          const bytes = parts.reduce((sum, { length }) => sum + length, 0);
          if (release === 'latest') kept = bytes <= MAX_KEPT_BYTES ? { etag, parts } : undefined;
          return parts;
        },
      };
    },
  };
}

interface Wanted {
  /** A tag object, or a commit. */
  oid: Oid;
  /** `v1.2.0` */
  release: string | undefined;
  /** The followed branch’s commit, which may have newer versions of the root. */
  branch?: Oid | undefined;
}

async function latest({ mirror, env }: BundleOptions, commit: Oid): Promise<Wanted> {
  const format = '--format=%(objectname) %(*objectname) %(refname)';
  const listed = await git(['for-each-ref', format, RELEASES], { env, gitDir: mirror.gitDir });
  for (const line of listed.stdout.toString().split('\n')) {
    const [oid = '', peeled, ref = ''] = line.split(' ');
    if (peeled === commit) return { oid, release: ref.slice(RELEASES.length) };
  }
  return { oid: commit, release: undefined };
}

async function named({ mirror, env }: BundleOptions, name: string, signal?: AbortSignal): Promise<Wanted | undefined> {
  if (releaseVersion(name) === undefined) return undefined;
  const taken = await mirror.take(`refs/tags/${name}`, ASKED_FOR + name, signal);
  if (taken.problem) {
    if (taken.problem.code === 'REMOTE_UNREACHABLE' && /couldn't find remote ref/.test(taken.problem.message))
      return undefined;
    throw new ProblemError(taken.problem);
  }
  const found = await git(['rev-parse', '--verify', '--quiet', ASKED_FOR + name], { env, gitDir: mirror.gitDir });
  return found.code === 0 ? { oid: found.stdout.toString().trim(), release: name } : undefined;
}

async function withObjects<T>({ mirror, env }: BundleOptions, use: (objects: Objects) => Promise<T>): Promise<T> {
  const objects = openObjects(mirror.gitDir, env);
  try {
    return await use(objects);
  } finally {
    objects.close();
  }
}

async function etagOf(objects: Objects, { oid, branch }: Wanted, path: string): Promise<string> {
  const roots = branch && (await objects.info(`${branch}:${below(path, ROOTS)}`));
  return `"${oid}${roots ? `.${roots.oid}` : ''}"`;
}

async function print(objects: Objects, { oid, release, branch }: Wanted, path: string): Promise<Generator<Buffer>> {
  const collected = new Collected(objects, oid.length === 64 ? 'sha256' : 'sha1');
  await collected.upTo(oid, path);
  const files = await listFiles(objects, oid, path);
  await collected.folders(await rootTree(objects, oid, path), '');
  const wanted = files.filter(isWanted);
  for await (const blob of readBlobs(objects, wanted)) {
    // What is too large or no file is refused by whoever reads it, for the same reason.
    if ('bytes' in blob) collected.add('blob', blob.bytes);
  }
  await collected.below(oid, below(path, MANIFEST_PATH));
  for (const commit of [oid, branch]) {
    if (commit === undefined) continue;
    await collected.upTo(commit, path);
    await collected.below(commit, below(path, ROOTS));
  }
  const { format } = collected.set;
  const heads = [oid, ...(branch === undefined ? [] : [branch]), ...collected.renewed];
  const header = {
    ...{ format, path, object: oid },
    ...(release !== undefined && { release }),
    ...(branch !== undefined && { branch }),
  };
  return printObjects(
    header,
    collected.set.reachable(heads, () => true),
  );
}

/** What machines read: skills but those of agents, and what says how the repository and its projects are set up. */
function isWanted({ path, fault }: TreeFile): boolean {
  if (fault !== undefined) return false;
  if (path === 'mcpctl.yaml' || /(?:^|\/)project\.yaml$/.test(path)) return true;
  return /(?:^|\/)skills\//.test(path) && !path.startsWith('agents/');
}

function below(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`;
}

/** Objects that were found to be needed. */
class Collected {
  readonly set: ObjectSet;
  /** Tags that this one renews. */
  readonly renewed: Oid[] = [];
  private readonly objects: Objects;

  constructor(objects: Objects, format: 'sha1' | 'sha256') {
    this.objects = objects;
    this.set = new ObjectSet(format);
  }

  add(type: ObjectType, bytes: Buffer): void {
    this.set.add(type, bytes);
  }

  /** A tag with what it renews, its commit, and the folders on the way to a path. */
  async upTo(oid: Oid, path: string): Promise<void> {
    let tag = await this.take(oid);
    const [, commit] = /^object ([0-9a-f]+)\n/.exec(tag?.bytes?.toString('latin1', 0, 80) ?? '') ?? [];
    if (commit !== undefined) await this.take(commit);
    for (let depth = 0; tag?.type === 'tag' && depth < MAX_RENEWALS; depth++) {
      const [, before] = /"oid":\s*"([0-9a-f]{40,64})"/.exec(tag.bytes?.toString('utf8') ?? '') ?? [];
      tag = before === undefined ? undefined : await this.take(before);
      if (tag) this.renewed.push(tag.oid);
    }
    await this.take(`${oid}^{tree}`);
    const parts = path.split('/').filter(Boolean);
    for (const index of parts.keys()) await this.take(`${oid}:${parts.slice(0, index + 1).join('/')}`);
  }

  /** A file or folder with all that is in it, and the folders on the way there. */
  async below(commit: Oid, path: string): Promise<void> {
    const parts = path.split('/');
    for (const index of parts.keys()) {
      const found = await this.take(`${commit}:${parts.slice(0, index + 1).join('/')}`);
      if (!found || index < parts.length - 1) continue;
      for (const { oid } of this.entries(found)) await this.take(oid);
    }
  }

  /** The folders that a reader of the repository format goes through. */
  async folders(oid: Oid, path: string): Promise<void> {
    const tree = await this.take(oid);
    const next = this.entries(tree).filter(({ mode }) => mode === '040000');
    for (const { oid: folder, name } of next) {
      const inside = below(path, name);
      if (classify(`${inside}/x`).kind !== 'ignored') await this.folders(folder, inside);
    }
  }

  private entries(tree: { type: ObjectType; bytes: Buffer | undefined } | undefined) {
    return tree?.type === 'tree' && tree.bytes ? parseTree(tree.bytes, this.set.format === 'sha256' ? 32 : 20) : [];
  }

  private async take(name: string) {
    const found = await this.objects.contents(name, MAX_TREE_BYTES);
    if (found?.bytes) this.set.add(found.type, found.bytes);
    return found;
  }
}
