import { lstat } from 'node:fs/promises';
import type { RunResult } from '../host/index.ts';
import { ProblemError, problem } from '../schema/index.ts';
import { rootTree } from './commit-files.ts';
import type { Credentials } from './credentials.ts';
import { git } from './git.ts';
import { createMirror, heldOid, type MirrorFolder, remoteConfig, removeLeftovers } from './mirror-folder.ts';
import { type Objects, openObjects } from './objects.ts';
import { credentialsFor, exchangeProblem, type RemoteRef, requirePath, type ThinCopyOptions } from './remote-refs.ts';
import { parseTree } from './tree.ts';
import { type TreeFile, treeChanges } from './tree-changes.ts';
import type { Oid } from './types.ts';

/** A file of a commit with its content. */
export interface ThinFile extends TreeFile {
  bytes: Buffer;
}

/**
 * A client’s copy of a remote: no history, and of the files only those that were asked for. Every method rejects with
 * a ProblemError.
 */
export interface ThinCopy {
  /** The bare repository, once something was taken over. */
  readonly gitDir: string;
  /**
   * Take over what refs lead to, each under its name below `refs/mcpctl/`; where all of them are taken over already,
   * nothing is transferred.
   */
  fetch(refs: readonly RemoteRef[], signal?: AbortSignal): Promise<void>;
  /** The files of a commit or tag that belong to the repository format, without their contents. */
  list(commit: Oid, path: string): Promise<TreeFile[]>;
  /** One file of a commit, whether or not it belongs to the format; undefined when there is none. */
  find(commit: Oid, path: string): Promise<TreeFile | undefined>;
  /** The contents of some of them, fetched where they are missing. @param maxBytes of all together */
  read(files: readonly TreeFile[], maxBytes: number, signal?: AbortSignal): Promise<ThinFile[]>;
  close(): void;
}

/** Of a repository that is ours as a whole small files come along at once; of a part of a larger one, what is asked for. */
const filters = { whole: '--filter=blob:limit=1m', part: '--filter=blob:none' };
/** It is only a copy: nothing of it has to outlive a power cut. */
const NO_SYNC: readonly (readonly [string, string])[] = [['core.fsync', 'none']];
const MAX_TREE_BYTES = 16 * 1024 * 1024;

/** Open a client’s copy of a remote; nothing is asked or written before it is used. */
export function openThinCopy(options: ThinCopyOptions): ThinCopy {
  return new Copy(options);
}

class Copy implements ThinCopy {
  private readonly options: ThinCopyOptions;
  private readonly folder: MirrorFolder;
  private objects: Objects | undefined;
  private credentials: Credentials | undefined;
  private ready = false;

  constructor(options: ThinCopyOptions) {
    const { dir, env, remote } = options;
    this.options = options;
    this.folder = { dir, env, remote, held: 'refs/mcpctl/' };
  }

  get gitDir(): string {
    return this.folder.dir;
  }

  async fetch(refs: readonly RemoteRef[], signal?: AbortSignal): Promise<void> {
    await requirePath(this.options.remote);
    await this.prepare();
    const missing: RemoteRef[] = [];
    for (const one of refs) if ((await this.heldAt(one.ref)) !== one.oid) missing.push(one);
    if (missing.length === 0) return;
    const refspecs = missing.map(({ ref }) => `+${ref}:${heldName(ref)}`);
    const fetch = () => this.transfer(refspecs, { signal, depth: true, first: true });
    let result = await fetch();
    if (result.code !== 0 && !result.timedOut && !result.aborted) {
      // A copy is only a copy: whatever is wrong with it is mended by making it anew.
      await createMirror(this.folder, /server sha256/.test(result.stderr) ? 'sha256' : 'sha1');
      result = await fetch();
    }
    if (result.code !== 0) {
      await removeLeftovers(this.folder.dir);
      throw await this.failure(result, missing[0]?.ref);
    }
    this.closeObjects();
  }

  async find(commit: Oid, path: string): Promise<TreeFile | undefined> {
    const end = path.lastIndexOf('/');
    return this.reading(async objects => {
      const tree = await objects.info(`${commit}^{tree}`);
      const folder = tree && (end === -1 ? tree : await objects.info(`${tree.oid}:${path.slice(0, end)}`));
      const listing = folder?.type === 'tree' ? await objects.contents(folder.oid, MAX_TREE_BYTES) : undefined;
      const entries = listing?.bytes ? parseTree(listing.bytes, listing.oid.length / 2) : [];
      const found = entries.find(({ name }) => name === path.slice(end + 1));
      return found && { path, mode: found.mode, oid: found.oid };
    });
  }

  async list(commit: Oid, path: string): Promise<TreeFile[]> {
    return this.reading(async objects => {
      const { changed } = await treeChanges(objects, undefined, await rootTree(objects, commit, path));
      return changed;
    });
  }

  async read(files: readonly TreeFile[], maxBytes: number, signal?: AbortSignal): Promise<ThinFile[]> {
    const oids = [...new Set(files.map(({ oid }) => oid))];
    const known = await this.reading(objects => sizes(objects, oids));
    const missing = oids.filter(oid => !known.has(oid));
    if (missing.length > 0) {
      await this.fetchObjects(missing, signal);
      this.closeObjects();
      for (const [oid, size] of await this.reading(objects => sizes(objects, missing))) known.set(oid, size);
    }
    const total = oids.reduce((sum, oid) => sum + (known.get(oid) ?? 0), 0);
    if (total > maxBytes) {
      throw new ProblemError(problem('READ_FAILED', `the files have ${total} bytes together; ${maxBytes} are allowed`));
    }
    return this.reading(async objects => {
      const contents = await Promise.all(oids.map(oid => objects.contents(oid, maxBytes)));
      const bytes = new Map(oids.map((oid, index) => [oid, contents[index]]));
      return files.map(file => {
        const found = bytes.get(file.oid);
        if (found?.type === 'blob' && found.bytes) return { ...file, bytes: found.bytes };
        const message = `the blob ${file.oid} of \`${file.path}\` is missing or damaged`;
        throw new ProblemError(problem('READ_FAILED', message, { at: { file: file.path } }));
      });
    });
  }

  close(): void {
    this.closeObjects();
  }

  private heldAt(ref: string): Promise<Oid | undefined> {
    return heldOid({ ...this.folder, held: heldName(ref) });
  }

  /** Blobs by their ids, as git itself does for a partial clone. */
  private async fetchObjects(oids: readonly Oid[], signal: AbortSignal | undefined): Promise<void> {
    const result = await this.transfer(['--stdin'], { signal, input: `${oids.join('\n')}\n`, first: true });
    if (result.code !== 0) throw await this.failure(result);
  }

  private transfer(
    refspecs: readonly string[],
    how: { signal: AbortSignal | undefined; depth?: boolean; first: boolean; input?: string },
  ): Promise<RunResult> {
    const { timeoutMs = 60_000 } = this.options;
    const args = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];
    args.push('--no-auto-maintenance', '--no-show-forced-updates', '--refmap=');
    args.push(how.depth && this.options.whole ? filters.whole : filters.part);
    if (how.depth) args.push('--depth=1', '--atomic');
    // With `--stdin` the refspecs are read from there.
    const rest = how.input === undefined ? ['--', 'origin', ...refspecs] : [...refspecs, '--', 'origin'];
    const noop: readonly (readonly [string, string])[] =
      how.input === undefined ? [] : [['fetch.negotiationAlgorithm', 'noop']];
    return this.git([...args, ...rest], {
      signal: how.signal,
      timeoutMs: how.first ? timeoutMs * 10 : timeoutMs,
      config: noop,
      ...(how.input !== undefined && { input: how.input }),
    });
  }

  private async git(
    args: readonly string[],
    how: {
      signal?: AbortSignal | undefined;
      timeoutMs: number;
      config: readonly (readonly [string, string])[];
      input?: string;
    },
  ): Promise<RunResult> {
    const { env, remote } = this.options;
    this.credentials = await credentialsFor(this.options, how.signal);
    const { config, extra } = this.credentials;
    const origin: readonly (readonly [string, string])[] = [
      ['remote.origin.url', remote.url],
      ['remote.origin.promisor', 'true'],
      ['remote.origin.partialCloneFilter', 'blob:none'],
      ...NO_SYNC,
      ...how.config,
    ];
    return git(args, {
      ...{ env, extra, timeoutMs: how.timeoutMs, gitDir: this.folder.dir },
      ...remoteConfig(this.folder),
      config: [...config, ...origin],
      ...(how.signal && { signal: how.signal }),
      ...(how.input !== undefined && { input: how.input }),
    });
  }

  private async reading<T>(use: (objects: Objects) => Promise<T>): Promise<T> {
    this.objects ??= openObjects(this.folder.dir, this.options.env);
    try {
      return await use(this.objects);
    } catch (error) {
      this.closeObjects();
      if (error instanceof ProblemError) throw error;
      const words = error instanceof Error ? error.message : String(error);
      throw new ProblemError(problem('READ_FAILED', `${this.folder.dir} could not be read: ${words}`), {
        cause: error,
      });
    }
  }

  private closeObjects(): void {
    this.objects?.close();
    this.objects = undefined;
  }

  private async prepare(): Promise<void> {
    if (this.ready) return;
    const { dir } = this.folder;
    const isThere = await lstat(`${dir}/HEAD`).then(
      stats => stats.isFile(),
      () => false,
    );
    if (isThere) await removeLeftovers(dir);
    else await createMirror(this.folder);
    this.ready = true;
  }

  private failure(result: RunResult, ref?: string): Promise<ProblemError> {
    return exchangeProblem(result, this.options, this.credentials?.secrets ?? [], ref);
  }
}

async function sizes(objects: Objects, oids: readonly Oid[]): Promise<Map<Oid, number>> {
  const infos = await Promise.all(oids.map(oid => objects.info(oid)));
  return new Map(infos.flatMap((info, index) => (info ? [[oids[index] ?? '', info.size] as const] : [])));
}

/** Under which name a ref of the remote is kept. */
function heldName(ref: string): string {
  return `refs/mcpctl/${ref.slice('refs/'.length)}`;
}
