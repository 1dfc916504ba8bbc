import type { RunResult } from '../host/index.ts';
import { type Problem, problem } from '../schema/index.ts';
import type { Credentials } from './credentials.ts';
import { git } from './git.ts';
import { watchGrowth } from './growth.ts';
import { type HttpAnswer, readTrace } from './http-answer.ts';
import { listRefs } from './ls-refs.ts';
import type { MirrorOptions } from './mirror.ts';
import {
  createMirror,
  heldOid,
  isDamaged,
  isKeptWhole,
  keepWhole,
  type MirrorFolder,
  remoteConfig,
  removeLeftovers,
  replaceMirror,
} from './mirror-folder.ts';
import { remoteProblem } from './problems.ts';
import type { RateLimit } from './rate-limit.ts';
import { forgetBoundaries } from './tidy.ts';
import type { FetchResult, Oid, RefAt } from './types.ts';

type Transfer = { oid: Oid } | { problem: Problem };

const MAX_FETCH_BYTES = 1024 ** 3;
/** Commits of history that a fetch brings: enough to see that most pushes continue what was there. */
const DEPTH = 20;
/** How many more are asked for before it is said that a branch was rewritten. */
const DEEPER = 200;

/** One fetch: what it asks the remote, and how it recovers from what earlier ones left behind. */
export class Exchange {
  private readonly folder: MirrorFolder;
  private readonly options: MirrorOptions;
  private readonly credentials: Credentials;
  private readonly limit: RateLimit;
  private readonly signal: AbortSignal | undefined;
  /** What the web server answered last. */
  private answer: HttpAnswer | undefined;
  /** Why what came was not taken. */
  private excess: Problem | undefined;

  constructor(
    folder: MirrorFolder,
    options: MirrorOptions,
    credentials: Credentials,
    limit: RateLimit,
    signal: AbortSignal | undefined,
  ) {
    this.folder = folder;
    this.options = options;
    this.credentials = credentials;
    this.limit = limit;
    this.signal = signal;
  }

  /** Where the ref is, without a transfer; one request for exactly this ref. */
  async ask(): Promise<Transfer> {
    const { ref } = this.options;
    const listed = await this.list([ref]);
    if ('problem' in listed) return listed;
    const found = listed.refs.find(each => each.ref === ref);
    return found ? { oid: found.oid } : this.refNotFound();
  }

  /** The refs that begin with one of these, without a transfer. */
  async list(prefixes: readonly string[]): Promise<{ refs: RefAt[] } | { problem: Problem }> {
    const { config, extra } = this.credentials;
    const { remote, timeoutMs } = this.options;
    const asked = await listRefs(remote, prefixes, {
      env: this.folder.env,
      gitDir: this.folder.dir,
      config,
      extra,
      ...remoteConfig(this.folder),
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(this.signal && { signal: this.signal }),
    });
    if ('refs' in asked) return asked;
    if ('failed' in asked) return { problem: this.explain(this.untraced(asked.failed)) };
    const result = await this.git(['ls-remote', '--quiet', '--', remote.url, ...prefixes.map(each => `${each}*`)]);
    if (result.code !== 0) return { problem: this.explain(result) };
    const refs = lines(result).map(line => line.split('\t'));
    return { refs: refs.flatMap(([oid = '', ref = '']) => (/\^\{\}$/.test(ref) ? [] : [{ oid, ref }])) };
  }

  /** Take over a tag and what it leads to, under a name of our own. */
  async take(ref: string, as: string): Promise<{ problem?: Problem }> {
    const { timeoutMs = 60_000, remote } = this.options;
    const what = ['--refmap=', '--', remote.url, `+${ref}:${as}`];
    const result = await this.receiveNewest(what, this.folder, timeoutMs);
    return result.code === 0 ? {} : { problem: this.explain(result) };
  }

  /** Take over the ref and what it needs, and mend the mirror when that is what stands in the way. */
  async transfer(first: boolean): Promise<Transfer> {
    let result = await this.fetchInto(this.folder, first);
    if (result.code !== 0 && /\.lock': File exists/.test(result.stderr)) {
      await removeLeftovers(this.folder.dir);
      result = await this.fetchInto(this.folder, first);
    }
    if (result.code === 0) return this.received(this.folder);
    if (result.timedOut || result.aborted) {
      await removeLeftovers(this.folder.dir);
      return { problem: this.explain(result) };
    }
    if (/couldn't find remote ref/.test(result.stderr)) return this.refNotFound();
    if (/mismatched algorithms/.test(result.stderr)) return this.rebuild(result);
    const own = result.stderr.replaceAll(/^remote: .*$/gm, '');
    if (DAMAGE.test(own) && (await isDamaged(this.folder, this.signal))) return this.rebuild();
    return { problem: this.explain(result) };
  }

  /** Fetch everything into a new mirror and put it in the old one's place, which stays when that fails. */
  async rebuild(mismatch?: RunResult): Promise<Transfer> {
    const aside: MirrorFolder = { ...this.folder, dir: `${this.folder.dir}.new` };
    const format = /server sha256/.test(mismatch?.stderr ?? '') ? 'sha256' : 'sha1';
    await createMirror(aside, format);
    const result = await this.fetchInto(aside, true);
    if (result.code !== 0) {
      if (!mismatch && /mismatched algorithms/.test(result.stderr)) return this.rebuild(result);
      return { problem: this.explain(result) };
    }
    await replaceMirror(this.folder.dir, aside.dir);
    return this.received(this.folder);
  }

  /** More of the history of what the mirror holds; the ref stays where it is. */
  async deepen(commits: number): Promise<{ problem?: Problem }> {
    if (await this.isComplete()) return {};
    const { remote, ref } = this.options;
    const args = [...FETCH, `--deepen=${commits}`, '--', remote.url, ref];
    const result = await this.receive(args, this.folder, this.options.timeoutMs);
    if (result.code !== 0) return { problem: this.explain(result) };
    // What was cut off elsewhere, before a forced push, must not count.
    await forgetBoundaries(this.folder);
    if (await this.isComplete()) await keepWhole(this.folder);
    return {};
  }

  private async isComplete(): Promise<boolean> {
    const { dir: gitDir, env } = this.folder;
    const result = await git(['rev-parse', '--is-shallow-repository'], { env, gitDir });
    return result.code === 0 && result.stdout.toString().trim() === 'false';
  }

  /** Whether the new commit leaves out the one before: a forced push. */
  private async isRewritten(before: Oid, oid: Oid): Promise<boolean> {
    if (await this.descends(before, oid)) return false;
    // What lies further apart than a fetch brings.
    await this.deepen(DEEPER);
    return !(await this.descends(before, oid));
  }

  private async descends(before: Oid, oid: Oid): Promise<boolean> {
    const { dir: gitDir, env } = this.folder;
    return (await git(['merge-base', '--is-ancestor', before, oid], { env, gitDir })).code === 0;
  }

  /** The commit at what was fetched; a tag is peeled. */
  async result(oid: Oid, before: Oid | undefined): Promise<FetchResult> {
    if (!this.folder.held.startsWith('refs/tags/')) {
      if (before === undefined || oid === before) return { commit: oid, changed: oid !== before };
      return { commit: oid, changed: true, ...((await this.isRewritten(before, oid)) && { rewritten: before }) };
    }
    const { env, dir: gitDir } = this.folder;
    const peeled = await git(['rev-parse', '--quiet', '--verify', `${oid}^{commit}`], { env, gitDir });
    if (peeled.code === 0) return { commit: peeled.stdout.toString().trim(), changed: oid !== before };
    return { problem: problem('REF_INVALID', `\`${this.options.ref}\` does not lead to a commit`) };
  }

  private async fetchInto(folder: MirrorFolder, first: boolean): Promise<RunResult> {
    const { timeoutMs = 60_000, remote, ref } = this.options;
    const what = ['--refmap=', '--', remote.url, `+${ref}:${folder.held}`];
    const limit = first ? timeoutMs * 10 : timeoutMs;
    return this.receiveNewest(what, folder, limit);
  }

  /** The newest commits only, where the remote can; what was asked for as a whole stays whole: `--depth` would cut it. */
  private async receiveNewest(what: readonly string[], folder: MirrorFolder, limit: number): Promise<RunResult> {
    if (!isKeptWhole(folder)) {
      const result = await this.receive([...FETCH, `--depth=${DEPTH}`, ...what], folder, limit);
      if (result.code === 0 || !/does not support (?:shallow|--depth)/.test(result.stderr)) return result;
    }
    return this.receive([...FETCH, ...what], folder, limit);
  }

  /** Run git for something that brings objects, of which there may be too many. */
  private async receive(
    args: readonly string[],
    folder: MirrorFolder,
    timeoutMs: number | undefined,
  ): Promise<RunResult> {
    const { remote, maxFetchBytes = MAX_FETCH_BYTES } = this.options;
    const watch = watchGrowth(folder.dir, maxFetchBytes, remote.display);
    const result = await this.git(args, folder, timeoutMs, watch.signal);
    watch.stop();
    this.excess = watch.problem;
    return result;
  }

  private async received(folder: MirrorFolder): Promise<Transfer> {
    const oid = await heldOid(folder);
    if (oid !== undefined && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(oid)) return { oid };
    return { problem: problem('READ_FAILED', `The mirror ${folder.dir} does not hold what was fetched`) };
  }

  private async refNotFound(): Promise<{ problem: Problem }> {
    const { remote, ref } = this.options;
    const who = `The repository ${remote.display}`;
    const result = await this.git(['ls-remote', '--quiet', '--heads', '--', remote.url]);
    if (result.code !== 0) return { problem: this.explain(result) };
    const branches = lines(result).map(line => line.slice(line.indexOf('\t') + '\trefs/heads/'.length));
    if (branches.length === 0) {
      const hint = 'Push a first commit, which the next poll takes up; if it has some, check the address.';
      return { problem: problem('REF_NOT_FOUND', `${who} is empty: it has no branch at all`, { hint }) };
    }
    const shown = branches.slice(0, 5).join(', ') + (branches.length > 5 ? ', …' : '');
    const name = ref.replace(/^refs\/heads\//, '');
    return { problem: problem('REF_NOT_FOUND', `${who} has no \`${name}\`; its branches are: ${shown}`) };
  }

  private async git(
    args: readonly string[],
    folder = this.folder,
    timeoutMs = this.options.timeoutMs,
    ...signals: AbortSignal[]
  ): Promise<RunResult> {
    const { config, extra } = this.credentials;
    const result = await git(args, {
      env: folder.env,
      gitDir: folder.dir,
      config,
      extra,
      ...remoteConfig(folder),
      ...(timeoutMs !== undefined && { timeoutMs }),
      signal: AbortSignal.any([...(this.signal ? [this.signal] : []), ...signals]),
    });
    return this.untraced(result);
  }

  private untraced(result: RunResult): RunResult {
    if (this.options.remote.kind !== 'http') return result;
    const { stderr, answer } = readTrace(result.stderr);
    this.answer = answer;
    return { ...result, stderr };
  }

  private explain(result: RunResult): Problem {
    if (this.excess) return this.excess;
    const limited = result.timedOut || result.aborted ? undefined : this.limit.learn(this.answer);
    if (limited) return limited;
    const { secrets, advice } = this.credentials;
    const found = remoteProblem(result, this.options.remote, secrets, this.answer);
    return found.code === 'REMOTE_AUTH' && advice !== undefined ? { ...found, hint: advice } : found;
  }
}

const FETCH = [
  'fetch',
  '--quiet',
  '--atomic',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-show-forced-updates',
  '--no-recurse-submodules',
  '--no-auto-maintenance',
];

/** What git says when it stumbles over its own side's objects or refs. */
const DAMAGE =
  /bad (?:object|config|ref)|corrupt|is empty|missing|not a git repository|unable to (?:read|parse|resolve|find)|broken|packfile|index file|loose object|invalid|did not send all necessary/;

function lines(result: RunResult): string[] {
  return result.stdout
    .toString()
    .split('\n')
    .filter(line => line !== '');
}
