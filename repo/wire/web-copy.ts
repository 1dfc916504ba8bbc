import { readFileSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ProblemError, problem } from '../../schema/index.ts';
import type { Objects } from '../objects.ts';
import type { RemoteRef, ThinCopyOptions } from '../remote-refs.ts';
import type { ThinCopy } from '../thin-copy.ts';
import { findFile, listFiles, readFiles, sizesOf, type ThinFile } from '../thin-files.ts';
import type { TreeFile } from '../tree-changes.ts';
import type { Oid } from '../types.ts';
import { printObjects, readObjects } from './object-file.ts';
import { ObjectSet, objectsOf } from './object-set.ts';
import { unpack } from './pack.ts';
import { askPack, type PackRequest } from './upload-pack.ts';
import { asking, type Web } from './web.ts';
import { webProblem } from './web-problem.ts';

/** Read at once: of a file of ours, a stream’s turns take longer than the reading. */
async function* keptIn(file: string): AsyncGenerator<Buffer> {
  yield readFileSync(file);
}

/** Of a repository that is ours as a whole small files come along at once; of a part of a larger one, what is asked for. */
const filters = { whole: 'blob:limit=1m', part: 'blob:none' };
const MAX_PACK_BYTES = 256 * 1024 * 1024;
const LIMITS = { objects: 500_000, objectBytes: 64 * 1024 * 1024, totalBytes: 512 * 1024 * 1024 };

/**
 * A copy in memory. From one time to the next a file keeps commits, folders, and what says how the repository is set up,
 * so that a change costs its own contents only; those of skills are in the store.
 */
export class WebCopy implements ThinCopy {
  private readonly options: ThinCopyOptions;
  private readonly web: Web;
  private readonly file: string;
  private set: ObjectSet | undefined;
  /** Ref → what it is at, as taken over. */
  private held = new Map<string, Oid>();
  private readonly used = new Set<string>();
  /** What came as a difference from something that is not here, until it is. */
  private finish: () => void = () => undefined;
  /** Contents that are kept. */
  private readonly small = new Set<Oid>();
  private changed = false;

  constructor(options: ThinCopyOptions, web: Web) {
    this.options = options;
    this.web = web;
    this.file = join(dirname(options.dir), 'objects');
  }

  async fetch(refs: readonly RemoteRef[], signal?: AbortSignal): Promise<void> {
    const set = await this.objects(signal);
    for (const { ref } of refs) this.used.add(ref);
    const missing = refs.filter(({ ref, oid }) => this.held.get(ref) !== oid || !set.get(oid));
    if (missing.length === 0) return;
    const wants = [...new Set(missing.map(({ oid }) => oid))];
    const haves = [...new Set([...this.held.values()].flatMap(oid => set.peel(oid, 'commit') ?? []))];
    await this.take({ wants, haves, shallow: true, filter: this.filter }, signal);
    if (haves.length > 0 && !wants.every(oid => set.isWhole(oid))) {
      // What was kept is not what the server was told.
      this.held = new Map();
      await this.take({ wants, haves: [], shallow: true, filter: this.filter }, signal);
    }
    for (const { ref, oid } of missing) {
      if (!set.get(oid)) throw this.damaged(`it did not send ${oid}, where \`${ref}\` is`);
      this.held.set(ref, oid);
    }
  }

  async find(commit: Oid, path: string): Promise<TreeFile | undefined> {
    return findFile(this.openObjects(), commit, path);
  }

  async list(commit: Oid, path: string): Promise<TreeFile[]> {
    return listFiles(this.openObjects(), commit, path);
  }

  async read(files: readonly TreeFile[], maxBytes: number, signal?: AbortSignal): Promise<ThinFile[]> {
    const set = await this.objects(signal);
    const missing = [...new Set(files.map(({ oid }) => oid))].filter(oid => !set.get(oid));
    if (missing.length > 0) await this.takeContents(missing, signal);
    for (const { path, oid } of files) if (!/(?:^|\/)skills\//.test(path)) this.small.add(oid);
    const objects = objectsOf(set);
    const oids = [...new Set(files.map(({ oid }) => oid))];
    return readFiles(objects, files, await sizesOf(objects, oids), maxBytes);
  }

  /** A content is found by the id that its bytes have: nobody can offer one in the place of another. */
  offer(contents: Iterable<Buffer>): void {
    for (const bytes of contents) this.set?.add('blob', bytes);
    this.unpacking(this.finish);
  }

  openObjects(): Objects {
    return objectsOf(this.set ?? new ObjectSet('sha1'));
  }

  async close(): Promise<void> {
    // It may be missing at any time; then more is fetched.
    if (this.changed) await this.keep().catch(() => undefined);
    this.changed = false;
  }

  private get filter(): string {
    return this.options.whole ? filters.whole : filters.part;
  }

  /** Contents by their ids; from a server that hands out none by id, all that the refs lead to. */
  private async takeContents(wants: readonly Oid[], signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.take({ wants, haves: [], shallow: false, filter: undefined }, signal);
    } catch (error) {
      const roots = [...this.used].flatMap(ref => this.held.get(ref) ?? []);
      if (signal?.aborted || roots.length === 0) throw error;
      await this.take({ wants: roots, haves: [], shallow: true, filter: undefined }, signal);
    }
  }

  private async take(request: Omit<PackRequest, 'maxBytes'>, signal: AbortSignal | undefined): Promise<void> {
    const { timeoutMs = 60_000, remote } = this.options;
    const limit = AbortSignal.any([...(signal ? [signal] : []), AbortSignal.timeout(timeoutMs * 10)]);
    const pack = await asking(this.options, this.web, limit, able =>
      askPack(this.web.remote, able, { ...request, maxBytes: MAX_PACK_BYTES }, limit),
    ).catch(error => {
      throw webProblem(error, `The repository ${remote.display}`, remote.url, limit);
    });
    if (!pack) throw this.damaged('it does not speak version 2 of git’s protocol any more');
    const set = await this.objects(signal);
    this.finish = this.unpacking(() => unpack(pack, set, { ...LIMITS, thin: request.haves.length > 0 }));
    this.changed = true;
  }

  /** What there is, with what an earlier copy kept. */
  private async objects(signal: AbortSignal | undefined): Promise<ObjectSet> {
    if (this.set) return this.set;
    const { format } = (await asking(
      this.options,
      this.web,
      signal ?? new AbortController().signal,
      async able => able,
    )) ?? {
      format: 'sha1' as const,
    };
    this.set = new ObjectSet(format);
    try {
      const { header, set } = await readObjects(keptIn(this.file), LIMITS);
      const { url, held, small } = header;
      if (url === this.options.remote.url && set.format === format) {
        this.set = set;
        this.held = new Map(Object.entries(held as Record<string, Oid>));
        for (const oid of small as Oid[]) this.small.add(oid);
      }
    } catch {
      // None, or not to be used: everything is fetched.
    }
    return this.set;
  }

  private async keep(): Promise<void> {
    const { set } = this;
    if (!set) return;
    const held = [...this.held].filter(([ref]) => this.used.has(ref));
    const small = [...this.small].filter(oid => set.get(oid));
    const header = { format: set.format, url: this.options.remote.url, held: Object.fromEntries(held), small };
    await mkdir(dirname(this.file), { recursive: true, mode: 0o700 });
    const staged = `${this.file}.${process.pid}.tmp`;
    const file = await open(staged, 'w', 0o600);
    try {
      const kept = set.reachable(
        held.map(([, oid]) => oid),
        oid => this.small.has(oid),
      );
      await file.writev([...printObjects(header, kept)]);
    } finally {
      await file.close();
    }
    await rename(staged, this.file).catch(() => rm(staged, { force: true }));
  }

  /** The whole answer came: what is wrong with it is no trouble of the network. */
  private unpacking<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.damaged(error instanceof Error ? error.message : String(error));
    }
  }

  private damaged(why: string): ProblemError {
    return new ProblemError(problem('READ_FAILED', `${this.options.remote.display} could not be read: ${why}`));
  }
}
