import { createHash } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { createSlots, ensurePrivateDir, writeAtomic } from '../../host/index.ts';
import { asProblem, type Problem, problem } from '../../schema/index.ts';
import { findEntry } from './entry.ts';
import { finish, makeTemporary, removeAbandoned } from './folders.ts';
import { createJoinedJobs } from './joined-jobs.ts';
import { runNpm } from './npm.ts';

export interface PackageRequest {
  /** npm name, with its scope. */
  identifier: string;
  /** Exact. */
  version: string;
  /** Run the install scripts of the package and its dependencies. */
  installScripts: boolean;
  /** The reviewed package-lock; without one, dependencies are resolved at install time. */
  lock?: Uint8Array;
  signal?: AbortSignal;
  onProgress?: (text: string) => void;
}

/** `entry` is the file to run with `node`, `root` the package's folder, `folder` all that was installed; absolute. */
type InstallResult = { entry: string; root: string; folder: string } | { problem: Problem };

/** npm packages, each installed once for its lock and this machine, shared by all daemons of a user. */
export interface PackageStore {
  /** Never rejects: NPM_MISSING, PACKAGE_INSTALL_FAILED or STATE_UNUSABLE tell why not. */
  install(request: PackageRequest): Promise<InstallResult>;
}

/** Says that the folder is whole, and what to run; written last. */
const MARKER = 'mcpctl-package.json';
const Marker = z.object({ entry: z.string(), root: z.string() });
const AT_ONCE = 2;

/**
 * @param options.dir private to the user; each package has the folder `<dir>/<key>`
 * @param options.env where npm's settings come from
 */
export function openPackageStore(options: { dir: string; env: NodeJS.ProcessEnv }): PackageStore {
  const { dir, env } = options;
  const jobs = createJoinedJobs<InstallResult>();
  const slots = createSlots(AT_ONCE);
  let ready: Promise<void> | undefined;

  async function prepare(): Promise<void> {
    await ensurePrivateDir(dir);
    await removeAbandoned(dir);
  }

  async function fill(final: string, request: PackageRequest, signal: AbortSignal): Promise<InstallResult> {
    const giveBack = await slots.take(signal);
    if (!giveBack) return { problem: cancelled(request) };
    let temporary: string | undefined;
    try {
      ready ??= prepare();
      await ready;
      temporary = await makeTemporary(dir);
      request.onProgress?.(`installing ${request.identifier}@${request.version}`);
      const failed = await installInto(temporary, request, env, signal);
      if (failed) return { problem: failed };
      await finish(temporary, final, async () => (await readInstalled(final)) !== undefined);
      return (await readInstalled(final)) ?? { problem: vanished(request) };
    } catch (error) {
      ready = undefined;
      return { problem: problem('STATE_UNUSABLE', `the package store ${dir}: ${asProblem(error).message}`) };
    } finally {
      if (temporary !== undefined) await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
      giveBack();
    }
  }

  return {
    async install(request) {
      const key = storeKey(request);
      const final = join(dir, key);
      const present = await readInstalled(final);
      if (present) return present;
      const result = await jobs.run(key, signal => fill(final, request, signal), request.signal);
      return result ?? { problem: cancelled(request) };
    },
  };
}

/** What decides the content of an installed folder; compiled parts depend on Node's major version and the machine. */
function storeKey({ identifier, version, installScripts, lock }: PackageRequest): string {
  const [major] = process.versions.node.split('.');
  const locked = lock ? createHash('sha256').update(lock).digest('hex') : 'unlocked';
  const parts = [locked, identifier, version, installScripts, major, process.platform, process.arch];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function readInstalled(folder: string): Promise<{ entry: string; root: string; folder: string } | undefined> {
  try {
    const marker = Marker.parse(JSON.parse(await readFile(join(folder, MARKER), 'utf8')));
    const entry = join(folder, marker.entry);
    return (await stat(entry)).isFile() ? { entry, root: join(folder, marker.root), folder } : undefined;
  } catch {
    return undefined;
  }
}

async function installInto(
  folder: string,
  request: PackageRequest,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Problem | undefined> {
  const { identifier, version, installScripts, lock } = request;
  await writeFile(join(folder, 'package.json'), rootManifest(identifier, version));
  if (lock) await writeFile(join(folder, 'package-lock.json'), lock);
  // npm 11 and later run scripts only for packages that were approved one by one; the Server's field approves them all.
  // Without scripts nobody needs links to programs, and a `bin` that points elsewhere makes npm touch nothing there.
  const scripts = installScripts
    ? ['--ignore-scripts=false', '--dangerously-allow-all-scripts']
    : ['--ignore-scripts=true', '--bin-links=false'];
  // With a lock the content is fixed by its digests, so what the cache has need not be asked for again.
  const command = lock ? ['ci', '--prefer-offline'] : ['install'];
  const what = `installing ${identifier}@${version}`;
  const failed = await runNpm([...command, '--omit=dev', ...scripts], { cwd: folder, env, what, signal });
  if (failed) return failed;
  const root = join(folder, 'node_modules', identifier);
  const entry = await findEntry(root, identifier);
  if (typeof entry !== 'string') return entry.problem;
  const marker = { identifier, version, entry: relative(folder, entry), root: relative(folder, root) };
  await writeAtomic(join(folder, MARKER), `${JSON.stringify(marker)}\n`);
  return undefined;
}

/** The package.json that asks for one package; its bytes depend on nothing else. */
export function rootManifest(identifier: string, version: string): string {
  const manifest = { name: 'mcpctl-server', private: true, dependencies: { [identifier]: version } };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

function cancelled({ identifier, version }: PackageRequest): Problem {
  return problem('PACKAGE_INSTALL_FAILED', `installing ${identifier}@${version}: cancelled`);
}

function vanished({ identifier, version }: PackageRequest): Problem {
  return problem('PACKAGE_INSTALL_FAILED', `installing ${identifier}@${version}: its folder vanished from the store`);
}
