import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { mcpctlHome } from '../../../host/index.ts';
import { askBundle, openSource, parseRef, parseRemote, parseRepoPath } from '../../../repo/index.ts';
import { chainFrom, newest, pinRoot, type RootChain, readRootDocuments } from '../../../repo/trust/index.ts';
import { ProblemError, problem, rootFingerprint } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { serverUrl } from '../../contexts.ts';
import { defaultStateDir } from '../../daemon.ts';
import { gatewayToken } from '../../gateway-token.ts';
import { done } from '../../style.ts';

export interface AddOptions extends CliContext {
  repo: string;
  fingerprint?: string;
  /** The address is a gateway’s. */
  gateway?: boolean;
  ref: string;
  path: string;
}

/** Pin a repository's root on this machine. stdout: the repository's id. */
export async function runAdd(options: AddOptions): Promise<ExitCode> {
  const { io, env, cwd, repo, fingerprint } = options;
  if (fingerprint !== undefined && !/^sha256:[0-9a-f]{64}$/.test(fingerprint)) {
    throw new ProblemError(problem('USAGE', 'a fingerprint is `sha256:` and 64 hex digits'));
  }
  const remote = options.gateway ? { url: serverUrl(repo) } : parseRemote(repo, cwd);
  if ('problem' in remote) throw new ProblemError(remote.problem);
  const chain = 'kind' in remote ? await fetchChain(options, remote) : await askChain(options, remote.url);
  const [{ signed }] = chain;
  const shown = rootFingerprint(signed);
  if (fingerprint === undefined) await askFirst(options, signed.repository, shown);
  const trust = await pinRoot(mcpctlHome(env), chain, [remote.url], new Date());
  done(io, `pinned ${shown} for ${trust.repository}; the newest root is version ${newest(trust.chain).version}`);
  io.stdout(`${trust.repository}\n`);
  return ExitCodes.ok;
}

async function fetchChain(
  options: AddOptions,
  remote: Exclude<ReturnType<typeof parseRemote>, { problem: unknown }>,
): Promise<RootChain> {
  const { env, fingerprint, signal } = options;
  const ref = parseRef(options.ref);
  if ('problem' in ref) throw new ProblemError(ref.problem);
  const at = parseRepoPath(options.path);
  if ('problem' in at) throw new ProblemError(at.problem);
  const stateDir = await mkdtemp(join(tmpdir(), 'mcpctl-trust-'));
  try {
    const home = mcpctlHome(env);
    // The key that `mcpctl up` will show, so that only one has to be let in.
    const daemon = defaultStateDir(home, remote, { ref: options.ref, path: at.path });
    const access = remote.kind === 'ssh' ? { accessDir: join(daemon, 'remote') } : {};
    const mirror = await openSource({ stateDir, remote, ref: ref.ref, path: at.path, env, home, ...access });
    const fetched = await mirror.fetch('poke', signal);
    if ('problem' in fetched) throw new ProblemError(fetched.problem);
    const documents = await readRootDocuments({ gitDir: mirror.gitDir, path: at.path, env }, fetched.commit);
    return chainFrom(documents, { ...(fingerprint !== undefined && { fingerprint }) });
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
}

/** The root as a gateway has it: its fingerprint is what says whether that is the right one. */
async function askChain({ env, cwd, fingerprint, signal }: AddOptions, url: string): Promise<RootChain> {
  const dir = await mkdtemp(join(tmpdir(), 'mcpctl-trust-'));
  try {
    const token = await gatewayToken(url, { env, cwd });
    const place = { url, token, env, release: 'latest', ref: 'refs/heads/main', file: join(dir, 'bundle.json') };
    const { refs, path, copy } = await askBundle(place, signal, true);
    const newest = refs.at(-1);
    if (!copy || !newest) throw new ProblemError(problem('REMOTE_UNREACHABLE', `The gateway ${url} sent nothing`));
    const documents = await readRootDocuments({ objects: copy.openObjects(), path }, newest.oid);
    return chainFrom(documents, { ...(fingerprint !== undefined && { fingerprint }) });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Trust on first use: only somebody who sits there may say so. */
async function askFirst({ io, stdin, signal }: AddOptions, repository: string, fingerprint: string): Promise<void> {
  if (!io.isTTY || io.quiet || !stdin) {
    const hint = 'Ask who runs the repository for the fingerprint, and give it with `--fingerprint sha256:…`.';
    throw new ProblemError(
      problem('ROOT_NOT_PINNED', `nothing was pinned: the root of ${repository} is not known here`, { hint }),
    );
  }
  io.stderr(
    `The root of ${repository} has the fingerprint\n  ${fingerprint}\nas whoever answers at this address says.\n`,
  );
  const lines = createInterface({ input: stdin() });
  try {
    io.stderr('Did you compare it with what its maker told you? Type yes to trust it: ');
    const answer = await lines.question('', { signal });
    if (answer.trim() === 'yes') return;
  } finally {
    lines.close();
  }
  throw new ProblemError(problem('ROOT_NOT_PINNED', 'nothing was pinned'));
}
