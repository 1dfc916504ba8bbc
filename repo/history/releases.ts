import { partsOfId, type ResourceId } from '../../schema/index.ts';
import type { Oid } from '../types.ts';
import { gitPath, type History } from './history.ts';

const MANIFEST = '.mcpctl/manifest.json';
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

/** A tag that names a release. Whether it is trusted is another question. */
export interface Release {
  /** `v1.4.0` */
  name: string;
  /** The release commit. */
  commit: Oid;
  /** Seconds since 1970 at which the release commit was made. */
  at: number;
}

/** The releases that the repository has, oldest first. */
async function readReleases(history: History): Promise<Release[]> {
  const format = '%(refname:short)%00%(objectname)%00%(*objectname)%00%(committerdate:unix)%00%(*committerdate:unix)';
  const output = await history.git(['for-each-ref', `--format=${format}`, 'refs/tags/v*']);
  return output
    .toString()
    .split('\n')
    .flatMap(line => {
      const [name = '', oid = '', peeled = '', date = '', peeledDate = ''] = line.split('\0');
      if (!/^v\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/.test(name)) return [];
      return { name, commit: peeled || oid, at: Number(peeledDate || date) };
    })
    .sort((a, b) => a.at - b.at);
}

/** One version of one resource: the first release with this content. */
export interface ReleasedVersion {
  version: string;
  release: Release;
  /** git's id of its file, of a skill that of its folder. */
  oid: Oid;
}

/**
 * The versions that a resource had, oldest first. Only the manifests of releases at which its content became another
 * are read.
 * @param paths where it may have been, the newest first
 */
export async function versionsOf(
  history: History,
  id: ResourceId,
  paths: readonly string[],
): Promise<ReleasedVersion[]> {
  const releases = await readReleases(history);
  const oids = await Promise.all(releases.map(({ commit }) => firstOid(history, commit, paths)));
  const versions: ReleasedVersion[] = [];
  for (const [index, release] of releases.entries()) {
    const oid = oids[index];
    if (oid === undefined || oid === versions.at(-1)?.oid) continue;
    const version = (await manifestOf(history, release))?.get(id);
    if (version !== undefined) versions.push({ version, release, oid });
  }
  return versions;
}

async function firstOid(history: History, commit: Oid, paths: readonly string[]): Promise<Oid | undefined> {
  for (const path of paths) {
    const found = await history.objects.info(`${commit}:${gitPath(history, path)}`);
    if (found) return found.oid;
  }
  return undefined;
}

/** The commit of a version of a resource or, without one, of a release; undefined when there is none. */
export async function findVersion(history: History, version: string, about?: ResourceId): Promise<Oid | undefined> {
  const releases = await readReleases(history);
  if (about !== undefined && partsOfId(about)) {
    for (const release of releases) {
      if ((await manifestOf(history, release))?.get(about) === version) return release.commit;
    }
  }
  return releases.find(({ name }) => name === `v${version}`)?.commit;
}

/** Resource → version; undefined when the release has no manifest that can be read. */
async function manifestOf(history: History, { commit }: Release): Promise<Map<ResourceId, string> | undefined> {
  const name = `${commit}:${gitPath(history, MANIFEST)}`;
  const info = await history.objects.info(name);
  if (info?.type !== 'blob' || info.size > MAX_MANIFEST_BYTES) return undefined;
  const bytes = (await history.objects.contents(info.oid, MAX_MANIFEST_BYTES))?.bytes;
  return (await import('./manifest-versions.ts')).versionsIn(bytes?.toString('utf8') ?? '');
}
