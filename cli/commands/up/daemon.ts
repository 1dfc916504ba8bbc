import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { createGateway } from '../../../gateway/index.ts';
import {
  acquireLock,
  ensurePrivateDir,
  identify,
  mcpctlHome,
  readPrivateFile,
  redact,
  writeAtomic,
} from '../../../host/index.ts';
import {
  backoffOf,
  createPrepare,
  createReconciler,
  openPackageStore,
  openRuntimes,
  openStateStore,
  type Reconciler,
  type ReconcilerEvent,
} from '../../../reconciler/index.ts';
import { openHistoryAt } from '../../../repo/history/index.ts';
import { openBundles, openReader, openSource, parseRef, parseRemote, parseRepoPath } from '../../../repo/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import { daemonFiles } from '../../announced-daemons.ts';
import { type DaemonFile, defaultStateDir } from '../../daemon.ts';
import { openDesk } from './desk.ts';
import type { UpOptions } from './run.ts';
import { stateProblem } from './state-problem.ts';
import { openTelemetry } from './telemetry.ts';
import { openTrust } from './trust.ts';

/** Everything that runs, composed. */
export interface Running {
  reconciler: Reconciler;
  url: string;
  stateDir: string;
  /** It follows the commits of a working tree, where people may expect their uncommitted changes to count. */
  workingTree: boolean;
  /** The access token, when it was made just now. */
  newToken: string | undefined;
  /** Whose word counts for what runs here. */
  mode: 'open' | 'release';
  /** The public half of the ssh key, when that was made just now. */
  newDeployKey: string | undefined;
  /** End every server, then the gateway, and give the state directory back. */
  close(): Promise<void>;
}

/** Characters; shorter than what is made here, for people who bring their own. */
const SHORTEST_SECRET = 16;

/** More commits than any history has. */
const WHOLE_HISTORY = 10_000_000;

/** Undone in reverse order, each whatever became of the others. */
type CleanUp = (() => unknown)[];

/**
 * Compose and start the daemon: state directory, mirror, reader, runtime, reconciler, gateway.
 * @throws ProblemError STATE_LOCKED, STATE_UNUSABLE, LISTEN_FAILED, REMOTE_*, REF_INVALID, GIT_MISSING; nothing is
 * left running then
 */
export async function startDaemon(options: UpOptions, log: (event: ReconcilerEvent) => void): Promise<Running> {
  const cleanUp: CleanUp = [];
  try {
    return await compose(options, log, cleanUp);
  } catch (error) {
    await undo(cleanUp);
    const found = stateProblem(error, options.stateDir ?? 'below ~/.mcpctl/state');
    throw found ? new ProblemError(found, { cause: error }) : error;
  }
}

async function compose(options: UpOptions, log: (event: ReconcilerEvent) => void, cleanUp: CleanUp): Promise<Running> {
  const { env, cwd } = options;
  const home = mcpctlHome(env);
  const remote = valid(parseRemote(options.repository, cwd));
  const ref = valid(parseRef(options.ref)).ref;
  const path = valid(parseRepoPath(options.path)).path;
  const stateDir = resolve(cwd, options.stateDir ?? defaultStateDir(home, remote, options));

  await ensurePrivateDir(stateDir);
  const unlock = acquireLock(join(stateDir, 'lock'));
  if (!unlock) {
    throw new ProblemError(problem('STATE_LOCKED', `another mcpctl up uses the state directory ${stateDir}`));
  }
  cleanUp.push(unlock);
  const token = await accessToken(join(stateDir, daemonFiles.token), env.MCPCTL_GATEWAY_TOKEN);
  const hookSecret = await secretFile(join(stateDir, daemonFiles.hookSecret));

  const store = openStateStore(join(stateDir, 'state.sqlite'));
  cleanUp.push(() => store.close());
  const readOnly = !options.roles.includes('reconciler');
  const follows = [remote.display, options.ref, options.path, options.environment ?? ''].join(' ').trim();
  const runtime = openRuntimes({
    stateDir,
    records: store.processes,
    env,
    standard: options.runtime,
    follows,
    readOnly,
  });
  await runtime.reap();
  // `--once` leaves nothing; otherwise what can goes on without the daemon, and the next one adopts it.
  const leave = options.once !== true;
  cleanUp.push(() => runtime.close({ leave }));

  const telemetry = await openTelemetry(env, message =>
    log({ type: 'problem', problem: problem('INTERNAL', message) }),
  );
  cleanUp.push(() => telemetry.close());
  const maxFetch = Number(env.MCPCTL_GIT_MAX_FETCH_MIB);
  const mirror = await openSource({
    stateDir,
    remote,
    ref,
    path,
    env,
    home,
    ...(options.hostKey && { hostKeys: options.hostKey }),
    ...(maxFetch > 0 && { maxFetchBytes: maxFetch * 1024 ** 2 }),
  });
  const reader = openReader({ gitDir: mirror.gitDir, path, keptIn: join(stateDir, 'parsed') });
  cleanUp.push(() => reader.close());
  const packages = openPackageStore({ dir: join(home, 'packages'), env });
  const allowRollback = options.allowRollback === true;
  const { mode, ...trust } = await openTrust({ mirror, env, home, path, remote, ref, allowRollback });
  if (trust.releases && !(await trust.releases.wasAccepted(store.applied()))) {
    // From before the root was pinned, or from elsewhere: nobody has vouched for it, so it is not served again.
    store.accept(store.applied() ?? '', store.good(), new Map());
  }
  const reconciler = createReconciler({
    repository: { display: remote.display, ref: options.ref, path: options.path, mode },
    ...trust,
    mirror,
    reader,
    store,
    runtime,
    standardRuntime: options.runtime,
    drift: options.drift,
    ...(options.environment !== undefined && { environment: options.environment }),
    prepare: createPrepare({ packages, reader, secrets: { env, home, stateDir }, runtime: options.runtime, readOnly }),
    pollMs: options.poll * 1000,
    ...(options.backoff && { backoff: backoffOf(options.backoff) }),
    drainMs: options.drain * 1000,
    concurrency: Math.max(4, availableParallelism()),
    telemetry,
    notifications: { secrets: { env, home, stateDir }, own: await ownTargets(stateDir, options.notify ?? []) },
    log,
  });
  cleanUp.push(() => reconciler.close({ leave }));

  const gateway = await createGateway(reconciler, {
    token: token.value,
    hookSecret: hookSecret.value,
    host: options.listen,
    port: options.port,
    ...(options.hostName && { allowedHosts: options.hostName }),
    projects: options.roles.includes('gateway'),
    telemetry,
    machineEvents: store.machineEvents,
    bundles: openBundles({ mirror, env, path }),
    past: {
      open: tip => openHistoryAt({ gitDir: mirror.gitDir, path, tip }, env),
      deepen: async () => (await mirror.deepen(WHOLE_HISTORY)).problem,
    },
    ...(ref.startsWith('refs/heads/') && {
      desk: openDesk({
        dir: join(stateDir, 'proposals.git'),
        remote,
        branch: ref.slice('refs/heads/'.length),
        path,
        env,
        home,
        hostKeys: options.hostKey ?? [],
        secrets: { env, home, stateDir },
      }),
    }),
    log: message => log({ type: 'problem', problem: problem('INTERNAL', redact(message, [token.value], 300)) }),
  });
  cleanUp.push(() => gateway.close());
  await announce(stateDir, gateway.url, cleanUp);
  reconciler.start();
  return {
    reconciler,
    url: gateway.url,
    stateDir,
    workingTree: remote.kind === 'path' && existsSync(join(remote.url, '.git')),
    newToken: token.made ? token.value : undefined,
    mode,
    newDeployKey: mirror.deployKey?.made === true ? mirror.deployKey.line : undefined,
    close: () => undo(cleanUp),
  };
}

/** What is given by hand is signed with a secret of this daemon's, made when it is first needed. */
async function ownTargets(stateDir: string, urls: readonly string[]): Promise<{ url: string; secret: string }[]> {
  if (urls.length === 0) return [];
  const { value: secret } = await secretFile(join(stateDir, daemonFiles.notifySecret));
  return urls.map(url => ({ url, secret }));
}

/** Leave the address where `status` and `reconcile` look for it. */
async function announce(stateDir: string, url: string, cleanUp: CleanUp): Promise<void> {
  const file = join(stateDir, daemonFiles.daemon);
  const self = identify(process.pid);
  const content: DaemonFile = {
    pid: process.pid,
    url,
    startedAt: new Date().toISOString(),
    ...(self && { process: self }),
  };
  await writeAtomic(file, `${JSON.stringify(content)}\n`, { mode: 0o600 });
  cleanUp.push(() => rmSync(file, { force: true }));
}

async function undo(cleanUp: CleanUp): Promise<void> {
  for (const step of cleanUp.splice(0).reverse()) await Promise.resolve(step()).catch(() => {});
}

/** The one that is given, where several gateways shall have the same; kept like one of our own, for the commands here. */
async function accessToken(path: string, given: string | undefined): Promise<{ value: string; made: boolean }> {
  if (given === undefined) return secretFile(path);
  if (given.length < SHORTEST_SECRET || /\s/.test(given)) {
    const message = `MCPCTL_GATEWAY_TOKEN has fewer than ${SHORTEST_SECRET} characters, or spaces`;
    throw new ProblemError(problem('STATE_UNUSABLE', message, { hint: 'Give a longer one, without spaces.' }));
  }
  await writeAtomic(path, `${given}\n`, { mode: 0o600 });
  return { value: given, made: false };
}

/** A random secret of 256 bits in a 0600 file, made at the first start. */
async function secretFile(path: string): Promise<{ value: string; made: boolean }> {
  if (existsSync(path)) {
    const present = (await readPrivateFile(path, 4096)).toString('utf8').trim();
    if (present.length >= SHORTEST_SECRET) return { value: present, made: false };
    const hint = `Remove the file; a new one is made at the next start.`;
    const message = `${path} has fewer than ${SHORTEST_SECRET} characters, which anybody could guess`;
    throw new ProblemError(problem('STATE_UNUSABLE', message, { hint }));
  }
  const value = randomBytes(32).toString('base64url');
  await writeAtomic(path, `${value}\n`, { mode: 0o600 });
  return { value, made: true };
}

function valid<T extends object>(parsed: T): Exclude<T, { problem: unknown }> {
  if ('problem' in parsed) throw new ProblemError(parsed.problem as ReturnType<typeof problem>);
  return parsed as Exclude<T, { problem: unknown }>;
}
