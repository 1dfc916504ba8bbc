import { execFile, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { condition, poll } from '../e2e/daemon.ts';
import type { RunningServer } from '../git-server.ts';
import type { Figure } from './figures.ts';
import { inScene, repositoryFiles, type Scene, withGitServer } from './scene.ts';

const POLLS = 10;
const POLL_SECONDS = 0.5;
const QUIET_MS = 100;

/** What a poll that finds nothing new asks of a real git server, reads and writes. */
export function benchPoll(): Promise<Figure[]> {
  const files = repositoryFiles(100, ['base']);
  const args = ['--poll', String(POLL_SECONDS)];
  return withGitServer((url, server) =>
    inScene({ files, args, url }, async scene => {
      const watched = await watchPolls(scene, server());
      return figuresOf(watched, await askByHand(scene));
    }),
  );
}

/** What happened during so many polls. */
interface Watched {
  polls: number;
  requests: number;
  filesChanged: number;
  files: number;
  bytesRead: number | undefined;
}

async function watchPolls({ up }: Scene, server: RunningServer): Promise<Watched> {
  await up.until('everything to be Ready', status => condition(status, 'Ready') === 'True');
  await betweenPolls(server);
  const first = server.requests.length;
  const before = filesOf(up.stateDir);
  const bytesBefore = readerBytes(up.child.pid);
  const asked = () => server.requests.slice(first).filter(({ method }) => method === 'GET').length;
  await poll(`${POLLS} polls`, POLLS * POLL_SECONDS * 3_000, () => asked() >= POLLS);
  await betweenPolls(server);
  const after = filesOf(up.stateDir);
  const bytesAfter = readerBytes(up.child.pid);
  const paths = new Set([...before.keys(), ...after.keys()]);
  return {
    polls: asked(),
    requests: server.requests.length - first,
    filesChanged: [...paths].filter(path => before.get(path) !== after.get(path)).length,
    files: before.size,
    bytesRead: bytesBefore === undefined || bytesAfter === undefined ? undefined : bytesAfter - bytesBefore,
  };
}

/** How many requests git itself needs to ask for one ref. */
function askByHand({ repository }: Scene): Promise<number> {
  const env = { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  return withGitServer(async (url, server) => {
    await promisify(execFile)('git', ['ls-remote', await url(repository), 'refs/heads/main'], { env });
    return server().requests.length;
  });
}

function figuresOf(watched: Watched, byHand: number): Figure[] {
  const { polls, requests, filesChanged, files, bytesRead } = watched;
  const common = { bench: 'poll', compare: 'difference', detail: { polls } } as const;
  const figures: Figure[] = [
    {
      ...common,
      name: 'requests of a poll that finds nothing new',
      measured: requests / polls,
      baseline: { name: 'one `git ls-remote URL REF`', value: byHand },
      unit: 'requests',
      compare: 'ratio',
      target: 1,
    },
    {
      ...common,
      name: `files in the state directory that ${polls} such polls changed`,
      measured: filesChanged,
      baseline: { name: 'none', value: 0 },
      unit: 'files',
      target: 0,
      detail: { polls, files },
    },
  ];
  if (bytesRead !== undefined) {
    figures.push({
      ...common,
      name: `bytes of git objects that ${polls} such polls read`,
      measured: bytesRead,
      baseline: { name: 'none', value: 0 },
      unit: 'bytes',
      target: 0,
    });
  }
  return figures;
}

/** Resolves when nothing was asked for a while. */
async function betweenPolls(server: RunningServer): Promise<void> {
  let seen = -1;
  while (seen !== server.requests.length) {
    seen = server.requests.length;
    await sleep(QUIET_MS);
  }
}

/** Size and time of change of every file and folder. */
function filesOf(folder: string): Map<string, string> {
  const paths = ['.', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })];
  return new Map(
    paths.map(path => {
      const { size, mtimeMs, ino } = statSync(join(folder, path));
      return [path, `${size} ${mtimeMs} ${ino}`];
    }),
  );
}

/** What the daemon's `git cat-file`, through which alone objects are read, has answered so far; Linux only. */
function readerBytes(daemon: number | undefined): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map(line => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line));
  const below = new Set([String(daemon)]);
  // A parent is listed before its children.
  for (const row of rows) if (row?.[1] && row[2] && below.has(row[2])) below.add(row[1]);
  const reader = rows.find(row => row?.[1] && below.has(row[1]) && row[3]?.startsWith('git cat-file'));
  if (!reader) throw new Error('the daemon’s `git cat-file` is not to be found');
  const written = /^wchar: (\d+)$/m.exec(readFileSync(`/proc/${reader[1]}/io`, 'utf8'))?.[1];
  return Number(written);
}
