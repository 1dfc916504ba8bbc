import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mcpctlHome } from '../../../host/index.ts';
import type { Objects } from '../../../repo/index.ts';
import {
  type Check,
  findTrust,
  listReleaseTags,
  type MachineTrust,
  type RootChain,
  readRootDocuments,
  readTrust,
  type Verdict,
  verifyRelease,
  type Workshop,
  walkRoots,
} from '../../../repo/trust/index.ts';
import { ProblemError, problem, releaseVersion } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { harmless } from '../../output.ts';
import { paint } from '../../style.ts';
import { explain } from './explain.ts';
import type { VerifyOptions } from './run.ts';

/** What is to be judged, and the connection to git that is open already. */
interface Subject {
  root: string;
  gitDir: string;
  path: string;
  objects: Objects;
}

/** Judge a release and print every check. */
export async function judge(options: VerifyOptions, subject: Subject): Promise<ExitCode> {
  const { io, env, files = false, allowRollback = false } = options;
  const { root, gitDir, path, objects } = subject;
  const trust = await pinnedFor(options, root, gitDir);
  const ref = options.release === undefined ? await newestRelease(gitDir, env) : refOf(options.release);
  const { chain, mark } = trust;
  const verdict = await verifyRelease({
    ...{ gitDir, env, path, ref, chain, mark, files, allowRollback, objects },
    rootsAt: 'HEAD',
    now: Date.now(),
    hashOnly: !files,
  });
  if (options.output === 'json') io.stdout(`${JSON.stringify(asJson(ref, trust, verdict), undefined, 2)}\n`);
  else
    io.stdout(
      (options.explain ? explain(ref, verdict) : verdict.checks.map(check => line(options, check)).join('')) +
        last(ref, verdict),
    );
  return verdict.trusted ? ExitCodes.ok : ExitCodes.denied;
}

/** What this machine trusts for the repository: by the id that the working tree says, or by where it is. */
export async function pinnedFor({ env }: Pick<CliContext, 'env'>, root: string, gitDir: string): Promise<MachineTrust> {
  const home = mcpctlHome(env);
  const text = readOr(join(root, 'mcpctl.yaml'), '');
  // Only to find what is pinned: whatever it says, the release must be for the repository of the pinned root.
  const id = /^ {2}id: *["']?([a-z0-9][a-z0-9.-]{0,127})["']? *$/m.exec(text)?.[1];
  const trust =
    (id === undefined ? undefined : await readTrust(home, id)) ??
    (await findTrust(home, root)) ??
    (await findTrust(home, gitDir));
  if (trust) return trust;
  throw new ProblemError(problem('ROOT_NOT_PINNED', `no root is pinned on this machine for ${id ?? root}`));
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

/** @throws ProblemError NOT_TRUSTED for what is no release’s name */
function refOf(release: string): string {
  const name = release.replace(/^refs\/tags\//, '');
  if (releaseVersion(name) !== undefined) return `refs/tags/${name}`;
  if (releaseVersion(`v${name}`) !== undefined) return `refs/tags/v${name}`;
  const hint = 'Only releases are signed: name one, such as `v1.2.0`.';
  throw new ProblemError(problem('NOT_TRUSTED', `\`${name.slice(0, 100)}\` is not the name of a release`, { hint }));
}

async function newestRelease(gitDir: string, env: VerifyOptions['env']): Promise<string> {
  const [highest] = await listReleaseTags({ gitDir, env });
  if (highest) return `refs/tags/${highest.name}`;
  throw new ProblemError(problem('RELEASE_UNKNOWN', 'there is no release here'));
}

/** The newest root that is known counts: also one that `HEAD` has, and no release yet. What does not hold adds nothing. */
export async function withRootsAtHead(workshop: Workshop, chain: RootChain): Promise<RootChain> {
  const found = await readRootDocuments(workshop, 'HEAD').catch(() => undefined);
  return found ? walkRoots(chain, found.documents).chain : chain;
}

function line({ io }: VerifyOptions, { name, result, detail }: Check): string {
  const sign = { ok: paint(io, 'green', '✔'), failed: paint(io, 'red', '✗'), skipped: paint(io, 'dim', '-') }[result];
  return `${sign} ${name.padEnd(13)} ${harmless(detail)}\n`;
}

function last(ref: string, { trusted, release }: Verdict): string {
  const name = ref.slice('refs/tags/'.length);
  if (!trusted || !release) return `${name} is NOT trusted\n`;
  return `${name} is trusted: signed by ${harmless(release.signer.name)}, sequence ${release.message.sequence}\n`;
}

function asJson(ref: string, { repository, fingerprint }: MachineTrust, { trusted, checks, release, tag }: Verdict) {
  return {
    ref,
    repository,
    root: fingerprint,
    trusted,
    tag: tag ?? null,
    checks,
    release: release ? { ...release.message, commit: release.commit, signer: release.signer } : null,
  };
}
