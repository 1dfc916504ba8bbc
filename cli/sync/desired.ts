import { createHash } from 'node:crypto';
import type { ThinCopy, TreeFile } from '../../repo/index.ts';
import {
  type AnyResource,
  classify,
  type Manifest,
  type ParsedFile,
  type Problem,
  ProblemError,
  problem,
  type Resource,
  refuseUnread,
} from '../../schema/index.ts';
import { type BundleContent, refusedBundle, sha256 } from './bundle.ts';
import type { ManifestCheck } from './manifest-check.ts';
import type { InstalledSkill, WantedServer } from './state.ts';

/** What is known of a skill besides its files. */
export type SkillFacts = Pick<
  InstalledSkill,
  'digest' | 'postInstall' | 'postInstallTimeoutSec' | 'preUninstall' | 'hooks' | 'mcpServers' | 'version'
>;

/** A skill as the repository has it. */
export interface OfferedSkill {
  id: string;
  name: string;
  scope: string;
  fingerprint: string;
  facts: SkillFacts;
  /** The release it is of, where that is not the one that counts. */
  origin?: { commit: string; name: string; signedBy: string };
  /** Every file with its content. */
  load(): Promise<BundleContent[]>;
}

/** The repository by the id that it gives itself, and the file in which it does, as git knows that. */
export interface Repository {
  id: string;
  oid: string;
}

/** What a commit has for one machine. */
export interface Offer {
  repository: Repository;
  skills: OfferedSkill[];
  /** Skills that are there, but cannot be installed: whatever is on the disk stays. */
  refused: Map<string, Problem>;
  servers: ReadonlySet<string>;
  /** The project’s own settings, when one was asked for. */
  project: Resource<'Project'> | undefined;
}

export interface OfferRequest {
  /** A commit, or a tag on one. */
  commit: string;
  /** The repository’s folder inside the git repository. */
  path: string;
  project: string | undefined;
  /** Of a release: what it must consist of. */
  manifest?: Manifest | undefined;
  /** What is installed: a skill whose files are the same is not read again. */
  known: readonly InstalledSkill[];
  /** The repository as it was: while its file is the same, it is not read again. */
  repository: Repository | undefined;
  /** The files of an installed skill as they came. */
  pristine(skill: InstalledSkill): Iterable<Buffer>;
  signal?: AbortSignal;
}

interface Bundle {
  id: string;
  name: string;
  scope: string;
  folder: string;
  files: TreeFile[];
}

const MAX_TOTAL_BYTES = 256 * 1024 * 1024;

/**
 * What a commit offers: all global skills, and those of one project. Only what is new since `known` is fetched and
 * parsed. @throws ProblemError SKILLS_PROJECT_UNKNOWN, REPOSITORY_MISSING, READ_FAILED, REMOTE_*
 */
export async function readOffer(copy: ThinCopy, request: OfferRequest): Promise<Offer> {
  const { commit, path, project, known, pristine, manifest, signal } = request;
  const tree = await copy.list(commit, path);
  const bundles = bundlesIn(tree, project);
  const check = manifest && (await import('./manifest-check.ts')).manifestCheck(manifest);
  for (const { id, files } of bundles) check?.paths(id, files);
  const fingerprints = new Map(bundles.map(bundle => [bundle.id, fingerprintOf(bundle.files)]));
  const unchanged = new Map(known.map(skill => [`${skill.id} ${skill.fingerprint}`, skill]));
  const knownOf = ({ id }: Bundle) => unchanged.get(`${id} ${fingerprints.get(id)}`);

  const refused = new Map<string, Problem>();
  for (const bundle of bundles) {
    const why = refusedBundle(bundle.id, bundle.folder, below(bundle, check));
    if (why) refused.set(bundle.id, why);
  }
  const fresh = bundles.filter(bundle => !refused.has(bundle.id) && !knownOf(bundle));
  // Of a skill that changed, most files did not.
  const former = new Set(fresh.map(({ id }) => id));
  for (const skill of known) if (former.has(skill.id)) copy.offer(pristine(skill));
  const own = tree.find(file => file.path === 'mcpctl.yaml');
  const same = own && own.oid === request.repository?.oid ? request.repository : undefined;
  const settings = tree.filter(file => (file === own && !same) || isProject(file.path, project));
  const contents = await readAll(copy, [...settings, ...fresh.flatMap(({ files }) => files)], signal);
  for (const { file, bytes } of contents) check?.content(file.path, bytes);
  const { parseContents } = await import('./parse-contents.ts');
  const parsed = await parseContents(contents.slice(settings.length), contents.slice(0, settings.length));
  const resources = new Map(parsed.flatMap(({ id, resource }) => (id && resource ? [[id, resource] as const] : [])));

  const repository = same ?? repositoryOf(settingsOf(parsed, resources, 'repository/repository'), own);
  const projectResource = project === undefined ? undefined : projectOf(parsed, resources, project);
  const bytesOf = new Map(contents.map(({ file, bytes }) => [file.path, bytes]));
  const skills = bundles.flatMap((bundle): OfferedSkill[] => {
    if (refused.has(bundle.id)) return [];
    const facts = knownOf(bundle) ?? factsOf(resources.get(bundle.id));
    const wrong = parsed.flatMap(({ problems }) => problems).find(one => isAbout(one, bundle));
    if (!facts || wrong) refused.set(bundle.id, invalid(bundle, wrong));
    if (!facts || wrong) return [];
    const { id, name, scope } = bundle;
    const version = check?.resource(id, facts.digest);
    const load = () => loadBundle(copy, bundle, { bytesOf, hashes: hashesOf(resources.get(id)), check }, signal);
    const { version: _former, ...rest } = facts;
    const current = { ...rest, ...(version !== undefined && { version }) };
    return [{ id, name, scope, fingerprint: fingerprints.get(id) ?? '', facts: current, load }];
  });
  return {
    repository,
    skills,
    refused,
    servers: new Set(tree.flatMap(file => serverName(file.path))),
    project: projectResource,
  };
}

/** The folders that have a `SKILL.md`, with all files below them; of two within one another the inner one. */
function bundlesIn(tree: readonly TreeFile[], project: string | undefined): Bundle[] {
  const bundles = new Map<string, Bundle>();
  for (const { path } of tree) {
    const declared = classify(path);
    if (declared.kind !== 'resource' || declared.resourceKind !== 'Skill') continue;
    const { id, name, scope } = declared;
    if (scope !== 'global' && scope !== `project/${project}`) continue;
    const folder = path.slice(0, path.lastIndexOf('/'));
    bundles.set(folder, { id, name, scope, folder, files: [] });
  }
  for (const file of tree) {
    for (let end = file.path.lastIndexOf('/'); end > 0; end = file.path.lastIndexOf('/', end - 1)) {
      const bundle = bundles.get(file.path.slice(0, end));
      if (!bundle) continue;
      bundle.files.push(file);
      break;
    }
  }
  return [...bundles.values()];
}

function below({ folder, files }: Bundle, check: ManifestCheck | undefined): { path: string; size: number }[] {
  return files.map(({ path }) => ({ path: path.slice(folder.length + 1), size: check?.size(path) ?? 0 }));
}

function fingerprintOf(files: readonly TreeFile[]): string {
  const lines = files.map(({ path, mode, oid }) => `${mode} ${oid} ${path}\n`).sort();
  return createHash('sha256').update(lines.join('')).digest('hex');
}

function repositoryOf(resource: AnyResource | undefined, file: TreeFile | undefined): Repository {
  return { id: resource?.kind === 'Repository' ? resource.spec.id : '', oid: file?.oid ?? '' };
}

function isProject(path: string, project: string | undefined): boolean {
  const declared = project !== undefined && path.startsWith('projects/') ? classify(path) : undefined;
  return declared?.kind === 'resource' && declared.id === `project/${project}`;
}

function serverName(path: string): string[] {
  if (!path.startsWith('servers/')) return [];
  const declared = classify(path);
  return declared.kind === 'resource' && declared.resourceKind === 'Server' ? [declared.name] : [];
}

async function readAll(
  copy: ThinCopy,
  files: readonly TreeFile[],
  signal: AbortSignal | undefined,
): Promise<{ file: TreeFile; bytes: Buffer }[]> {
  const regular = files.filter(file => file.fault === undefined && refuseUnread(file, 0).length === 0);
  const read = await copy.read(regular, MAX_TOTAL_BYTES, signal);
  const bytes = new Map(read.map(file => [file.path, file.bytes]));
  return files.map(file => ({ file, bytes: bytes.get(file.path) ?? Buffer.alloc(0) }));
}

function settingsOf(
  parsed: readonly ParsedFile[],
  resources: ReadonlyMap<string, AnyResource>,
  id: string,
): AnyResource | undefined {
  const resource = resources.get(id);
  if (resource) return resource;
  const why = parsed.find(file => file.id === id)?.problems.find(({ severity }) => severity === 'error');
  throw new ProblemError(
    why ?? problem('REPOSITORY_MISSING', 'there is no `mcpctl.yaml`', { at: { file: 'mcpctl.yaml' } }),
  );
}

function projectOf(
  parsed: readonly ParsedFile[],
  resources: ReadonlyMap<string, AnyResource>,
  name: string,
): Resource<'Project'> {
  const resource = resources.get(`project/${name}`);
  if (resource?.kind === 'Project') return resource;
  const file = parsed.find(({ id }) => id === `project/${name}`);
  const why = file?.problems.find(({ severity }) => severity === 'error');
  const message = why ? `the project \`${name}\` cannot be read: ${why.message}` : `there is no project \`${name}\``;
  throw new ProblemError(problem('SKILLS_PROJECT_UNKNOWN', message, why?.at ? { at: why.at } : {}));
}

function factsOf(resource: AnyResource | undefined): SkillFacts | undefined {
  if (resource?.kind !== 'Skill') return undefined;
  const { postInstall, preUninstall, postInstallTimeoutSec, hooks, mcpServers } = resource.spec;
  return {
    digest: resource.digest,
    ...(postInstall !== undefined && { postInstall, postInstallTimeoutSec }),
    ...(preUninstall !== undefined && { preUninstall }),
    ...(Object.keys(hooks).length > 0 && { hooks }),
    ...(mcpServers.length > 0 && { mcpServers: mcpServers as WantedServer[] }),
  };
}

function isAbout({ severity, at, resource }: Problem, { id, folder }: Bundle): boolean {
  return severity === 'error' && (resource === id || at?.file.startsWith(`${folder}/`) === true);
}

function invalid({ id, folder }: Bundle, why: Problem | undefined): Problem {
  const message = `\`${id}\` is not valid: ${why?.message ?? 'it cannot be read'}`;
  const at = why?.at ?? { file: folder };
  return problem('SKILL_INVALID', message, { at, resource: id, ...(why && { hint: why.hint }) });
}

/** Path below the skill’s folder → sha256, as found when it was parsed. */
function hashesOf(resource: AnyResource | undefined): ReadonlyMap<string, string> {
  const files = resource?.kind === 'Skill' ? resource.spec.files : [];
  return new Map(files.map(file => [file.path, file.sha256]));
}

async function loadBundle(
  copy: ThinCopy,
  { folder, files }: Bundle,
  known: {
    bytesOf: ReadonlyMap<string, Buffer>;
    hashes: ReadonlyMap<string, string>;
    check: ManifestCheck | undefined;
  },
  signal: AbortSignal | undefined,
): Promise<BundleContent[]> {
  const { bytesOf, hashes, check } = known;
  const missing = files.filter(({ path }) => !bytesOf.has(path));
  const read = missing.length === 0 ? [] : await copy.read(missing, MAX_TOTAL_BYTES, signal);
  const fetched = new Map(read.map(({ path, bytes }) => [path, bytes]));
  for (const { path, bytes } of read) check?.content(path, bytes);
  return files.map(({ path, mode }) => {
    const below = path.slice(folder.length + 1);
    const hashed = bytesOf.has(path) ? hashes.get(below) : undefined;
    const bytes = bytesOf.get(path) ?? fetched.get(path) ?? Buffer.alloc(0);
    return { path: below, executable: mode === '100755', sha256: hashed ?? sha256(bytes), bytes };
  });
}
