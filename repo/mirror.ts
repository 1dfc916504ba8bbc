import { stat } from 'node:fs/promises';
import type { RunResult } from '../host/index.ts';
import { type Problem, ProblemError, problem } from '../schema/index.ts';
import { type Credentials, findCredentials } from './credentials.ts';
import { checkGit, git } from './git.ts';
import {
  createMirror,
  heldOid,
  isDamaged,
  isSound,
  type MirrorFolder,
  remoteConfig,
  removeLeftovers,
  replaceMirror,
} from './mirror-folder.ts';
import { remoteProblem } from './problems.ts';
import type { FetchMode, FetchResult, Mirror, Oid, Remote } from './types.ts';

export interface MirrorOptions {
  /** The bare repository's folder; made when absent, made anew when damaged. Nothing else may be in it. */
  dir: string;
  remote: Remote;
  /** A full ref, as `parseRef` returns it. */
  ref: string;
  /** The daemon's environment: PATH, proxies, certificate authorities, MCPCTL_GIT_USERNAME and MCPCTL_GIT_PASSWORD. */
  env: NodeJS.ProcessEnv;
  /** Where `git-credentials` may be; see `mcpctlHome`. */
  home: string;
  /** For one exchange with the remote. The first transfer, which may be long, is allowed ten times as much. */
  timeoutMs?: number;
  /** Called before the remote is asked; for a remote that is itself made from something else. */
  refresh?: () => Promise<{ problem?: Problem | undefined }>;
}

type Transfer = { oid: Oid } | { problem: Problem };

/**
 * Open the daemon's bare copy of a remote. Throws a ProblemError: GIT_MISSING, or STATE_UNUSABLE when `dir` is not ours.
 * The remote is not spoken to before the first `fetch`, which runs alone: a second one waits for it.
 */
export async function openMirror(options: MirrorOptions): Promise<Mirror> {
  const { dir, remote, ref, env } = options;
  const held = ref.startsWith('refs/tags/') ? 'refs/tags/followed' : 'refs/heads/followed';
  const folder: MirrorFolder = { dir, env, remote, held };
  const missing = await checkGit(env);
  if (missing) throw new ProblemError(missing);
  await removeLeftovers(dir);
  if (!(await isSound(folder))) await createMirror(folder);

  let last: Promise<unknown> = Promise.resolve();
  return {
    gitDir: dir,
    fetch(mode, signal) {
      const next = last.then(() => fetchOnce(folder, options, mode, signal));
      last = next.catch(() => undefined);
      return next;
    },
  };
}

async function fetchOnce(
  folder: MirrorFolder,
  options: MirrorOptions,
  mode: FetchMode,
  signal: AbortSignal | undefined,
): Promise<FetchResult> {
  const { remote, env, home } = options;
  const refreshed = await options.refresh?.();
  if (refreshed?.problem) return { problem: refreshed.problem };
  const absent = await pathProblem(remote);
  if (absent) return { problem: absent };
  const credentials = await findCredentials(remote, env, home);
  if ('problem' in credentials) return credentials;

  const exchange = new Exchange(folder, options, credentials, signal);
  const before = await heldOid(folder);
  if (mode === 'poll' && before !== undefined) {
    const asked = await exchange.ask();
    if ('problem' in asked) return asked;
    if (asked.oid === before) return exchange.result(before, before);
  }
  const fetched = mode === 'rebuild' ? await exchange.rebuild() : await exchange.transfer(before === undefined);
  return 'problem' in fetched ? fetched : exchange.result(fetched.oid, before);
}

/** git’s own words for a path that is missing, or is a file, are about something else. */
async function pathProblem(remote: Remote): Promise<Problem | undefined> {
  if (remote.kind !== 'path') return undefined;
  const found = await stat(remote.url).catch((error: NodeJS.ErrnoException) => error.code ?? 'unknown error');
  if (typeof found !== 'string' && found.isDirectory()) return undefined;
  const why = typeof found !== 'string' ? 'it is not a folder' : found === 'ENOENT' ? 'no such folder' : found;
  return problem('REMOTE_NOT_FOUND', `There is no git repository at ${remote.display}: ${why}`);
}

/** One fetch: what it asks the remote, and how it recovers from what earlier ones left behind. */
class Exchange {
  private readonly folder: MirrorFolder;
  private readonly options: MirrorOptions;
  private readonly credentials: Credentials;
  private readonly signal: AbortSignal | undefined;

  constructor(folder: MirrorFolder, options: MirrorOptions, credentials: Credentials, signal: AbortSignal | undefined) {
    this.folder = folder;
    this.options = options;
    this.credentials = credentials;
    this.signal = signal;
  }

  /** Where the ref is, without a transfer; one request for exactly this ref. */
  async ask(): Promise<Transfer> {
    const { ref } = this.options;
    const result = await this.git(['ls-remote', '--quiet', '--', this.options.remote.url, ref]);
    if (result.code !== 0) return { problem: this.problem(result) };
    // A pattern also matches refs that end with it.
    const line = lines(result).find(each => each.endsWith(`\t${ref}`));
    return line === undefined ? this.refNotFound() : { oid: line.slice(0, line.indexOf('\t')) };
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
      return { problem: this.problem(result) };
    }
    if (/couldn't find remote ref/.test(result.stderr)) return this.refNotFound();
    if (/mismatched algorithms/.test(result.stderr)) return this.rebuild(result);
    const own = result.stderr.replaceAll(/^remote: .*$/gm, '');
    if (DAMAGE.test(own) && (await isDamaged(this.folder, this.signal))) return this.rebuild();
    return { problem: this.problem(result) };
  }

  /** Fetch everything into a new mirror and put it in the old one's place, which stays when that fails. */
  async rebuild(mismatch?: RunResult): Promise<Transfer> {
    const aside: MirrorFolder = { ...this.folder, dir: `${this.folder.dir}.new` };
    const format = /server sha256/.test(mismatch?.stderr ?? '') ? 'sha256' : 'sha1';
    await createMirror(aside, format);
    const result = await this.fetchInto(aside, true);
    if (result.code !== 0) {
      if (!mismatch && /mismatched algorithms/.test(result.stderr)) return this.rebuild(result);
      return { problem: this.problem(result) };
    }
    await replaceMirror(this.folder.dir, aside.dir);
    return this.received(this.folder);
  }

  /** The commit at what was fetched; a tag is peeled. */
  async result(oid: Oid, before: Oid | undefined): Promise<FetchResult> {
    if (!this.folder.held.startsWith('refs/tags/')) return { commit: oid, changed: oid !== before };
    const { env, dir: gitDir } = this.folder;
    const peeled = await git(['rev-parse', '--quiet', '--verify', `${oid}^{commit}`], { env, gitDir });
    if (peeled.code === 0) return { commit: peeled.stdout.toString().trim(), changed: oid !== before };
    return { problem: problem('REF_INVALID', `\`${this.options.ref}\` does not lead to a commit`) };
  }

  private fetchInto(folder: MirrorFolder, first: boolean): Promise<RunResult> {
    const { timeoutMs = 60_000, remote, ref } = this.options;
    const args = ['fetch', '--quiet', '--atomic', '--no-tags', '--no-write-fetch-head', '--no-show-forced-updates'];
    args.push('--no-recurse-submodules', '--no-auto-maintenance', '--refmap=', '--', remote.url);
    return this.git([...args, `+${ref}:${folder.held}`], folder, first ? timeoutMs * 10 : timeoutMs);
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
    if (result.code !== 0) return { problem: this.problem(result) };
    const branches = lines(result).map(line => line.slice(line.indexOf('\t') + '\trefs/heads/'.length));
    if (branches.length === 0) {
      const hint = 'Push a first commit, which the next poll takes up; if it has some, check the address.';
      return { problem: problem('REF_NOT_FOUND', `${who} is empty: it has no branch at all`, { hint }) };
    }
    const shown = branches.slice(0, 5).join(', ') + (branches.length > 5 ? ', …' : '');
    const name = ref.replace(/^refs\/heads\//, '');
    return { problem: problem('REF_NOT_FOUND', `${who} has no \`${name}\`; its branches are: ${shown}`) };
  }

  private git(args: readonly string[], folder = this.folder, timeoutMs = this.options.timeoutMs): Promise<RunResult> {
    const { config, extra } = this.credentials;
    return git(args, {
      env: folder.env,
      gitDir: folder.dir,
      config,
      extra,
      ...remoteConfig(folder),
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(this.signal && { signal: this.signal }),
    });
  }

  private problem(result: RunResult): Problem {
    return remoteProblem(result, this.options.remote, this.credentials.secrets);
  }
}

/** What git says when it stumbles over its own side's objects or refs. */
const DAMAGE =
  /bad (?:object|config|ref)|corrupt|is empty|missing|not a git repository|unable to (?:read|parse|resolve|find)|broken|packfile|index file|loose object|invalid|did not send all necessary/;

function lines(result: RunResult): string[] {
  return result.stdout
    .toString()
    .split('\n')
    .filter(line => line !== '');
}
