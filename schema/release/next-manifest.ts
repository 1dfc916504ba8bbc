import { compareText, type Problem, problem } from '../problem.ts';
import type { AnyResource, ResourceId } from '../resource.ts';
import type { Manifest, ManifestFile, ManifestResource } from './manifest.ts';
import { nextVersion, type VersionHint } from './versions.ts';

/** What the next manifest is made from, and nothing else. */
export interface ReleaseContent {
  repository: string;
  /** Of the commit, valid and assembled, without any environment's patches. */
  resources: Iterable<AnyResource>;
  /** Every file of the repository format in the commit's tree. */
  files: readonly ManifestFile[];
  /** git's id of a file, or of a folder for a skill's. */
  oid(path: string): string | undefined;
}

/** What becomes of one resource. */
export interface VersionChange {
  id: ResourceId;
  change: 'new' | 'changed' | 'removed';
  before?: string;
  /** Left out for one that is removed. */
  after?: string;
}

export interface NextManifest {
  manifest: Manifest;
  changes: VersionChange[];
  problems: Problem[];
}

/**
 * The manifest of a commit: a pure function of the content, the previous manifest and the hints. A resource whose
 * content digest is the same keeps its version, and no version is ever given to two contents.
 */
export function nextManifest(
  content: ReleaseContent,
  previous: Manifest | undefined,
  hints: ReadonlyMap<ResourceId, VersionHint>,
): NextManifest {
  const before = new Map(previous?.resources.map(one => [one.id, one]));
  const gone = new Map(previous?.removed.map(({ id, version }) => [id, version]));
  const files = new Map(content.files.map(file => [file.path, file]));
  const changes: VersionChange[] = [];
  const problems: Problem[] = [];
  const resources: ManifestResource[] = [];
  for (const resource of [...content.resources].sort((a, b) => compareText(a.id, b.id))) {
    const { id, digest } = resource;
    const was = before.get(id);
    const last = was?.version ?? gone.get(id);
    before.delete(id);
    gone.delete(id);
    const next = was?.digest === digest ? { version: was.version } : nextVersion(last, hints.get(id) ?? {});
    if ('refused' in next) {
      const hint = `Give it one with \`--bump ${id}=patch\`, or \`--bump ${id}=VERSION\` above the last.`;
      problems.push(
        problem('VERSION_REFUSED', `the next version of \`${id}\`: ${next.refused}`, { hint, resource: id }),
      );
      continue;
    }
    const own = take(files, resource);
    const oid = content.oid(folderOf(resource) ?? resource.file);
    if (oid === undefined) throw new Error(`${id} has no git object`);
    resources.push({ id, version: next.version, oid, digest, files: own });
    if (was?.digest === digest) continue;
    changes.push({
      id,
      change: last === undefined ? 'new' : 'changed',
      ...(last !== undefined && { before: last }),
      after: next.version,
    });
  }
  for (const { id, version } of before.values()) {
    gone.set(id, version);
    changes.push({ id, change: 'removed', before: version });
  }
  const removed = [...gone].map(([id, version]) => ({ id, version })).sort((a, b) => compareText(a.id, b.id));
  const rest = [...files.values()].sort((a, b) => compareText(a.path, b.path));
  const manifest: Manifest = {
    apiVersion: 'mcpctl.dev/v1',
    kind: 'Manifest',
    repository: content.repository,
    resources,
    files: rest,
    removed,
  };
  return { manifest, changes: changes.sort((a, b) => compareText(a.id, b.id)), problems };
}

/** The files of a resource, which then belong to nobody else. */
function take(files: Map<string, ManifestFile>, resource: AnyResource): ManifestFile[] {
  const folder = folderOf(resource);
  const paths =
    resource.kind === 'Skill' ? resource.spec.files.map(({ path }) => `${folder}/${path}`) : [resource.file];
  return paths.sort(compareText).map(path => {
    const file = files.get(path);
    if (!file) throw new Error(`${path} of ${resource.id} is not in the commit`);
    files.delete(path);
    return file;
  });
}

/** A skill's folder. */
function folderOf({ kind, file }: AnyResource): string | undefined {
  return kind === 'Skill' ? file.slice(0, file.lastIndexOf('/')) : undefined;
}
