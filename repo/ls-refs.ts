import { type RunResult, run } from '../host/index.ts';
import { type GitOptions, git } from './git.ts';
import { gitEnvironment } from './git-environment.ts';
import type { RefAt, Remote, SshRemote } from './types.ts';

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/**
 * Ask a remote for the refs that begin with one of these, and for no others: `git ls-remote` always has the remote list
 * every ref it has. git's own transports carry the question, which is that of protocol version 2 (gitprotocol-v2(5),
 * `ls-refs`).
 * @returns the refs; `unsupported` for a server without that protocol; or what failed
 */
export async function listRefs(
  remote: Remote,
  prefixes: readonly string[],
  options: GitOptions,
): Promise<{ refs: RefAt[] } | { unsupported: true } | { failed: RunResult }> {
  for (const format of ['sha1', 'sha256'] as const) {
    const result = await ask(remote, question(prefixes, format), options);
    const refs = answer(result.stdout);
    if (!refs && format === 'sha1' && result.stdout.includes('object-format=sha256')) continue;
    if (refs === 'unsupported') return { unsupported: true };
    // The connection ends with our question, which some transports call a failure; the answer was whole.
    return refs ? { refs } : { failed: result };
  }
  return { unsupported: true };
}

function ask(remote: Remote, input: string, options: GitOptions): Promise<RunResult> {
  const how = { ...options, extra: { ...options.extra, GIT_PROTOCOL: 'version=2' }, maxOutputBytes: MAX_ANSWER_BYTES };
  if (remote.kind === 'ssh') return askBySsh(remote, input, how);
  if (remote.kind === 'path') return git(['upload-pack', '--', remote.url], { ...how, input });
  const helper = remote.url.startsWith('https:') ? 'remote-https' : 'remote-http';
  // It takes what comes with the first line for more lines.
  return git([helper, 'origin', remote.url], { ...how, input: 'stateless-connect git-upload-pack\n', reply: input });
}

/** As git does it: its ssh command is a piece of shell, and the path is quoted for the other side's. */
function askBySsh({ user, host, port, url }: SshRemote, input: string, options: GitOptions): Promise<RunResult> {
  const { extra = {}, timeoutMs, signal, maxOutputBytes } = options;
  const to = ['-o', 'SendEnv=GIT_PROTOCOL', '-p', String(port), '--', user === undefined ? host : `${user}@${host}`];
  const path = `git-upload-pack '${pathOf(url).replace(/['!]/g, character => `'\\${character}'`)}'`;
  return run(['sh', '-c', `${extra.GIT_SSH_COMMAND ?? 'false'} "$@"`, 'ssh', ...to, path], {
    cwd: '/',
    env: { ...gitEnvironment(options.env, options), ...extra },
    input,
    ...(maxOutputBytes !== undefined && { maxOutputBytes }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(signal && { signal }),
  });
}

/** The path in an ssh address, as git gives it to the other side. */
function pathOf(url: string): string {
  const long = /^ssh:\/\/[^/]*(\/.*)$/.exec(url)?.[1];
  if (long !== undefined) return decodeURIComponent(long).replace(/^\/~/, '~');
  return /^(?:\[[^\]]*\]|[^:[]*\[[^\]]*\]|[^:]*):(.*)$/.exec(url)?.[1] ?? '';
}

function question(prefixes: readonly string[], format: string): string {
  const lines = prefixes.map(prefix => packet(`ref-prefix ${prefix}\n`)).join('');
  return `${packet('command=ls-refs\n')}${packet(`object-format=${format}`)}0001${lines}0000`;
}

function packet(text: string): string {
  return (Buffer.byteLength(text) + 4).toString(16).padStart(4, '0') + text;
}

/** The refs of an answer: behind the list of capabilities, one in a packet, until the flush. Undefined for half of one. */
function answer(output: Buffer): RefAt[] | 'unsupported' | undefined {
  const text = output.toString('latin1');
  if (text.startsWith('fallback\n')) return 'unsupported';
  const lines = packets(text.startsWith('\n') ? text.slice(1) : text);
  // A web server that has several services names first the one that answers.
  const service = lines[0]?.startsWith('# service=') ? lines.indexOf(FLUSH) + 1 : 0;
  const [version] = lines.splice(0, service + 1).slice(service);
  if (version === undefined) return undefined;
  if (version !== 'version 2') return 'unsupported';
  const begin = lines.indexOf(FLUSH) + 1;
  const end = begin === 0 ? -1 : lines.indexOf(FLUSH, begin);
  if (end === -1) return undefined;
  return lines.slice(begin, end).flatMap(line => {
    const [, oid, ref] = /^([0-9a-f]{40}|[0-9a-f]{64}) (\S+)$/.exec(line) ?? [];
    return oid === undefined || ref === undefined ? [] : [{ oid, ref: Buffer.from(ref, 'latin1').toString() }];
  });
}

/** No packet has this text. */
const FLUSH = '\n';

/** What is in the packets, without their line ends, as far as they are whole. */
function packets(text: string): string[] {
  const lines: string[] = [];
  for (let at = 0; at + 4 <= text.length; ) {
    const length = Number.parseInt(text.slice(at, at + 4), 16);
    if (Number.isNaN(length) || length === 3 || at + length > text.length) break;
    if (length === 0) lines.push(FLUSH);
    if (length >= 4) lines.push(text.slice(at + 4, at + length).replace(/\n$/, ''));
    at += Math.max(length, 4);
  }
  return lines;
}
