import { setTimeout as sleep } from 'node:timers/promises';
import { type Problem, ProblemError, problem } from '../../../schema/index.ts';
import { expand } from '../expand.ts';
import type { LogRing } from '../log-ring.ts';
import { LOCK_FILE } from '../package-runner.ts';
import type { LaunchSpec } from '../runtime.ts';
import type { Attachments } from './attachments.ts';
import { execIn, type PodPlace } from './exec.ts';
import { forwardTo } from './forward.ts';
import { type Pod, runningSince } from './found.ts';
import { createKubeInstance, type KubeInstance } from './instance.ts';
import { environmentOf, HOME, installerOf, modeOf, portOf } from './objects.ts';
import { attachPath, execPath, openStreams, type Streams } from './streams.ts';

/** Says that the program is there and about to run; what follows on stdout is the program's. */
const MARK = 'mcpctl-runs';
const RUN = `command -v -- "$1" >/dev/null 2>&1 || { echo "not found: $1" >&2; exit 127; }; cd "$0" && printf '${MARK}\\n' && exec "$@"`;
const STEP_MS = 60_000;

interface Options {
  adopted: boolean;
  /** What is wrong with the cluster, but ends nothing. */
  caveats: readonly Problem[];
  /** Where other processes speak with the same pods. */
  attachments: Attachments | undefined;
  /** Reach pods by their addresses. */
  inside: boolean;
}

/** Speak with a pod that runs. @throws ProblemError, or what the cluster refuses */
export async function joinPod(place: PodPlace, spec: LaunchSpec, pod: Pod, options: Options): Promise<KubeInstance> {
  const idle = modeOf(spec) === 'idle';
  if (!idle && spec.package?.lock) await putLock(place, spec, spec.package.lock);
  const network = await addressOf(place, spec, pod, options.inside);
  const logs = new AbortController();
  return createKubeInstance({
    id: spec.id,
    specDigest: spec.specDigest,
    pod,
    startedAt: runningSince(pod) ?? 0,
    adopted: options.adopted,
    secrets: spec.secrets,
    caveats: [...caveatsOf(spec), ...options.caveats],
    url: network?.url,
    async open(ring) {
      if (spec.transport !== 'stdio') {
        followLogs(place, ring, logs.signal);
        return undefined;
      }
      const attach = () => (idle ? runAnew(place, spec, ring) : attachTo(place, ring));
      return options.attachments ? options.attachments.attach(pod, attach) : attach();
    },
    keptLines: () => (idle ? Promise.resolve([]) : keptLines(place)),
    close() {
      logs.abort();
      network?.close();
    },
  });
}

/** That a connection ends says nothing of how the program has: the kubelet tells. */
async function attachTo({ api, namespace, pod }: PodPlace, ring: LogRing): Promise<Streams> {
  const streams = await openStreams(api, attachPath(namespace, pod), chunk => ring.add(chunk));
  return { ...streams, ended: streams.ended.then(() => undefined) };
}

async function runAnew(place: PodPlace, spec: LaunchSpec, ring: LogRing): Promise<Streams> {
  if (spec.package?.lock) await putLock(place, spec, spec.package.lock);
  await endOthers(place, spec.id);
  return runInside(place, spec, ring);
}

/** End everything in an idle pod but its first process: what ran before has lost its streams. */
async function endOthers(place: PodPlace, id: string): Promise<void> {
  await execIn(place, ['/bin/sh', '-c', 'kill -KILL -1'], { id, timeoutMs: STEP_MS });
}

async function runInside(place: PodPlace, spec: LaunchSpec, ring: LogRing): Promise<Streams> {
  const argv = argvOf(spec);
  const path = execPath(place.namespace, place.pod, ['/bin/sh', '-c', RUN, spec.cwd ?? HOME, ...argv], true);
  let said = '';
  let running = false;
  const streams = await openStreams(place.api, path, chunk => {
    if (running) ring.add(chunk);
    else said = `${said}${chunk}`.slice(0, 2_000);
  });
  const first = await Promise.race([marked(streams), streams.ended, sleep(STEP_MS, 'late' as const, { ref: false })]);
  running = true;
  if (first === 'marked') {
    ring.add(Buffer.from(said));
    return streams;
  }
  streams.close();
  const more = { resource: `server/${spec.server}` };
  const words = first !== undefined && first !== 'late' && 'refused' in first ? first.refused : said.trim();
  throw new ProblemError(problem('SERVER_BINARY_MISSING', `${spec.id}: ${argv[0]}: ${words}`, more));
}

/** Settles when the mark was read; never when there is none. What stands behind it is put back. */
function marked({ stdout }: Streams): Promise<'marked'> {
  return new Promise(resolve => {
    let seen = Buffer.alloc(0);
    const look = () => {
      const chunk = stdout.read() as Buffer | null;
      if (chunk === null) return;
      seen = Buffer.concat([seen, chunk]);
      const end = seen.indexOf(0x0a);
      if (end === -1) return;
      stdout.off('readable', look);
      if (seen.length > end + 1) stdout.unshift(seen.subarray(end + 1));
      resolve('marked');
    };
    stdout.on('readable', look);
  });
}

function argvOf(spec: LaunchSpec): string[] {
  const variables = environmentOf(spec);
  return [...installerOf(spec), ...spec.argv.map(text => expand(text, variables))];
}

/** Not all versions of the API can end an input, so that the length is told. */
async function putLock(place: PodPlace, { id, server }: LaunchSpec, lock: Uint8Array): Promise<void> {
  const script = 'head -c "$1" >"$2.part" && mv "$2.part" "$2"';
  const argv = ['/bin/sh', '-c', script, 'sh', String(lock.length), LOCK_FILE];
  const done = await execIn(place, argv, { id, timeoutMs: STEP_MS, input: lock });
  if ('problem' in done) throw new ProblemError({ ...done.problem, resource: `server/${server}` });
}

async function addressOf(place: PodPlace, spec: LaunchSpec, pod: Pod, inside: boolean) {
  const port = portOf(spec);
  if (port === undefined) return undefined;
  if (inside && pod.status.podIP !== undefined) {
    const host = pod.status.podIP.includes(':') ? `[${pod.status.podIP}]` : pod.status.podIP;
    return { url: `http://${host}:${port}${spec.path}`, close: () => undefined };
  }
  const forward = await forwardTo(place, port);
  return { url: `http://127.0.0.1:${forward.port}${spec.path}`, close: forward.close };
}

const logPath = ({ namespace, pod }: PodPlace) => `/api/v1/namespaces/${namespace}/pods/${pod}/log?container=server`;

/** A network server's output is a log; that it cannot be read any more ends nothing. */
function followLogs(place: PodPlace, ring: LogRing, signal: AbortSignal): void {
  const path = `${logPath(place)}&follow=true&tailLines=200`;
  void place.api.lines(path, signal, line => ring.add(Buffer.from(`${line}\n`))).catch(() => undefined);
}

/** The newest lines that the cluster has of a server. */
export async function keptLines(place: PodPlace): Promise<string[]> {
  const lines: string[] = [];
  const read = (more: string) =>
    place.api
      .lines(`${logPath(place)}&tailLines=200${more}`, AbortSignal.timeout(10_000), line => lines.push(line))
      .catch(() => undefined);
  await read('');
  if (lines.length === 0) await read('&previous=true');
  return lines;
}

function caveatsOf(spec: LaunchSpec): Problem[] {
  const beyond = (['pids', 'files'] as const).filter(limit => spec.limits?.[limit] !== undefined);
  if (beyond.length === 0) return [];
  const message = `${spec.id}: \`resources.limits\` of ${beyond.join(' and ')} are the node’s to set, and are not applied`;
  return [problem('LIMIT_NOT_KEPT', message, { resource: `server/${spec.server}` })];
}
