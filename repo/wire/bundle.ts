import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openLightHttp } from '../../host/index.ts';
import { ProblemError, problem, releaseVersion } from '../../schema/index.ts';
import { parseRepoPath } from '../ref.ts';
import type { RemoteRef } from '../remote-refs.ts';
import type { ThinCopy } from '../thin-copy.ts';
import type { Oid } from '../types.ts';
import { certificateAuthorities } from './authorities.ts';
import { BundleCopy } from './bundle-copy.ts';
import { type ObjectFileHeader, readObjects } from './object-file.ts';
import type { ObjectSet } from './object-set.ts';
import { WebAnswer } from './upload-pack.ts';
import { webProblem } from './web-problem.ts';

export interface BundlePlace {
  /** The gateway’s address. */
  url: string;
  /** The access token, where one is known. */
  token: string | undefined;
  /** `latest`, or a release by name. */
  release: string;
  /** How the followed branch is called here. */
  ref: string;
  /** Where it is remembered what was answered last. */
  file: string;
  env: NodeJS.ProcessEnv;
  /** For the whole answer. Default ten minutes. */
  timeoutMs?: number;
}

/** What a gateway answered. It may have made all of it up: whoever uses it judges it. */
export interface AnsweredBundle {
  refs: RemoteRef[];
  /** The repository’s folder inside the git repository. */
  path: string;
  /** What came along; undefined when the gateway says that it is what it was the last time. */
  copy: ThinCopy | undefined;
}

interface Known {
  url: string;
  release: string;
  ref: string;
  etag: string;
  refs: RemoteRef[];
  path: string;
}

const LIMITS = { objects: 500_000, totalBytes: 256 * 1024 * 1024 };
const TIMEOUT_MS = 10 * 60_000;
const OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * Ask a gateway for a release: one request, which brings it along if it is another one than the last time.
 * @param always ask for it whatever it was the last time
 * @throws ProblemError REMOTE_*, RELEASE_UNKNOWN
 */
export async function askBundle(place: BundlePlace, signal: AbortSignal, always = false): Promise<AnsweredBundle> {
  const { url, token, release, ref, file, env, timeoutMs = TIMEOUT_MS } = place;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const known = always ? undefined : await recall(place);
  try {
    const ca = url.startsWith('https:') ? await certificateAuthorities(env) : undefined;
    const answer = await openLightHttp({ env, ...(ca && { ca }) }).request(`${url}/api/v1/bundles/${release}`, {
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(known && { 'if-none-match': known.etag }),
      },
      signal: limit,
    });
    if (answer.status === 304 && known) {
      answer.discard();
      return { refs: known.refs, path: known.path, copy: undefined };
    }
    if (answer.status !== 200) {
      answer.discard();
      throw answerProblem(answer.status, place) ?? new WebAnswer(answer.status, answer.headers.location, '');
    }
    const { header, set } = await readObjects(answer.body, LIMITS);
    const refs = refsOf(header, set, ref);
    const path = pathOf(header);
    const { etag } = answer.headers;
    await remember(file, etag !== undefined && etag.length < 300 ? { url, release, ref, etag, refs, path } : {});
    return { refs, path, copy: new BundleCopy(set) };
  } catch (error) {
    throw webProblem(error, `The gateway ${url}`, url, limit);
  }
}

/** A release by its tag, the branch beside it; without releases, only the branch. */
function refsOf({ object, release, branch }: ObjectFileHeader, set: ObjectSet, ref: string): RemoteRef[] {
  const isThere = (oid: unknown): oid is Oid => typeof oid === 'string' && OID.test(oid) && set.get(oid) !== undefined;
  if (!isThere(object)) throw new Error('it does not have what it is about');
  if (release === undefined) return [{ ref, oid: object }];
  if (typeof release !== 'string' || releaseVersion(release) === undefined) throw new Error('it names no release');
  return [{ ref: `refs/tags/${release}`, oid: object }, ...(isThere(branch) ? [{ ref, oid: branch }] : [])];
}

function pathOf({ path }: ObjectFileHeader): string {
  const parsed = parseRepoPath(typeof path === 'string' ? path : '/');
  if ('problem' in parsed) throw new Error('its folder is none');
  return parsed.path;
}

function answerProblem(status: number, { url, release }: BundlePlace): ProblemError | undefined {
  if (status === 401 || status === 403) {
    const hint = `Run \`mcpctl login --server ${url}\`, or set MCPCTL_TOKEN.`;
    return new ProblemError(problem('REMOTE_AUTH', `The gateway ${url} wants an access token`, { hint }));
  }
  if (status !== 404) return undefined;
  const what = release === 'latest' ? 'no bundles of skills' : `no release \`${release}\``;
  return new ProblemError(problem('RELEASE_UNKNOWN', `The gateway ${url} has ${what}`));
}

async function recall({ file, url, release, ref }: BundlePlace): Promise<Known | undefined> {
  try {
    const known: Known = JSON.parse(await readFile(file, 'utf8'));
    const same = known.url === url && known.release === release && known.ref === ref;
    return same && typeof known.etag === 'string' && Array.isArray(known.refs) ? known : undefined;
  } catch {
    return undefined;
  }
}

/** Best effort: what is not remembered is fetched once more. */
async function remember(file: string, known: Known | object): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(`${file}.tmp`, JSON.stringify(known), { mode: 0o600 });
    await rename(`${file}.tmp`, file);
  } catch {
    // A folder that cannot be written to is told of by those who need it.
  }
}
