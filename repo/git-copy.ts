import { lstat } from 'node:fs/promises';
import type { RunResult } from '../host/index.ts';
import { ProblemError, problem } from '../schema/index.ts';
import type { Credentials } from './credentials.ts';
import { git } from './git.ts';
import { createMirror, heldOid, type MirrorFolder, remoteConfig, removeLeftovers } from './mirror-folder.ts';
import { type Objects, openObjects } from './objects.ts';
import { credentialsFor, exchangeProblem, type RemoteRef, requirePath, type ThinCopyOptions } from './remote-refs.ts';
import type { ThinCopy } from './thin-copy.ts';
import { findFile, listFiles, readFiles, sizesOf, type ThinFile } from './thin-files.ts';
import type { TreeFile } from './tree-changes.ts';
import type { Oid } from './types.ts';

/** Of a repository that is ours as a whole small files come along at once; of a part of a larger one, what is asked for. */
const filters = { whole: '--filter=blob:limit=1m', part: '--filter=blob:none' };
/** It is only a copy: nothing of it has to outlive a power cut. */
const NO_SYNC: readonly (readonly [string, string])[] = [['core.fsync', 'none']];

/** A copy that git keeps: a bare repository. */
export class GitCopy implements ThinCopy {
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

  /** git keeps what it fetched. */
  offer(): void {}

  openObjects(): Objects {
    return openObjects(this.folder.dir, this.options.env);
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

  find(commit: Oid, path: string): Promise<TreeFile | undefined> {
    return this.reading(objects => findFile(objects, commit, path));
  }

  list(commit: Oid, path: string): Promise<TreeFile[]> {
    return this.reading(objects => listFiles(objects, commit, path));
  }

  async read(files: readonly TreeFile[], maxBytes: number, signal?: AbortSignal): Promise<ThinFile[]> {
    const oids = [...new Set(files.map(({ oid }) => oid))];
    const known = await this.reading(objects => sizesOf(objects, oids));
    const missing = oids.filter(oid => !known.has(oid));
    if (missing.length > 0) {
      await this.fetchObjects(missing, signal);
      this.closeObjects();
      for (const [oid, size] of await this.reading(objects => sizesOf(objects, missing))) known.set(oid, size);
    }
    return this.reading(objects => readFiles(objects, files, known, maxBytes));
  }

  async close(): Promise<void> {
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

/** Under which name a ref of the remote is kept. */
function heldName(ref: string): string {
  return `refs/mcpctl/${ref.slice('refs/'.length)}`;
}
