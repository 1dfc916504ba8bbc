import { createHmac } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { condition, type UpProcess } from '../e2e/daemon.ts';
import { writeFiles } from '../temp-repository.ts';
import { type Figure, median } from './figures.ts';
import {
  benchProject,
  inScene,
  memoryServer,
  repositoryFiles,
  type Scene,
  type SceneOptions,
  withGitServer,
} from './scene.ts';

const PUSHES = 7;
const REST_MS = 300;
const PATIENCE_MS = 10_000;
/** For the first load. */
const LOAD_MS = 120_000;

interface Setting {
  resources: number;
  /** How the daemon reaches the repository. */
  remote: 'path' | 'http';
  targetMs: number;
}

const settings: Setting[] = [
  { resources: 100, remote: 'path', targetMs: 250 },
  { resources: 1_000, remote: 'path', targetMs: 300 },
  { resources: 1_000, remote: 'http', targetMs: 300 },
  { resources: 10_000, remote: 'path', targetMs: 500 },
];

/** A client's era, as its negotiation mode. */
type Mode = 'auto' | 'legacy';

/** Milliseconds since the push returned; but for `ownStart`, which is a duration. */
type Moments = Record<string, number>;

interface Line {
  text: string;
  at: number;
}

/** Push → new tool listed by a connected client, over the new server's own start time. */
export async function benchPush(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const setting of settings) {
    const measured = await withGitServer(url => measure(setting, setting.remote === 'http' ? { url } : {}));
    figures.push(...measured);
  }
  return figures;
}

async function measure(setting: Setting, remote: Pick<SceneOptions, 'url'>): Promise<Figure[]> {
  const lines: Line[] = [];
  const onLine = (text: string) => lines.push({ text, at: performance.now() });
  const servers = ['base'];
  const files = repositoryFiles(setting.resources, servers);
  return inScene({ ...remote, files, onLine }, async scene => {
    await scene.up.until('everything to be Ready', status => condition(status, 'Ready') === 'True', LOAD_MS);
    const figures: Figure[] = [];
    for (const mode of ['auto', 'legacy'] as const) {
      const samples: Moments[] = [];
      const listener = await connect(scene.up, mode);
      for (let push = 0; push < PUSHES; push++) {
        await sleep(REST_MS);
        servers.push(`new-${mode}-${push}`);
        lines.length = 0;
        samples.push(await pushServer(scene, listener, servers, lines));
      }
      await listener.client.close();
      figures.push(figureOf(setting, mode, samples));
    }
    return figures;
  });
}

function figureOf({ resources, remote, targetMs }: Setting, mode: Mode, samples: Moments[]): Figure {
  const middle = (key: string) => median(samples.map(sample => sample[key] ?? Number.NaN));
  const over = samples.map(({ listed = 0, ownStart = 0 }) => listed - ownStart).sort((a, b) => a - b);
  const start = middle('ownStart');
  const client = mode === 'auto' ? 'modern' : 'legacy';
  return {
    bench: 'push',
    name: `push → tool listed, ${resources} resources by ${remote}, ${client} client`,
    // The median of the differences, which the difference of two medians need not be.
    measured: start + median(over),
    baseline: { name: 'that server’s own start', value: start },
    unit: 'ms',
    compare: 'difference',
    target: targetMs,
    detail: {
      pushes: samples.length,
      leastOver: over[0] ?? Number.NaN,
      mostOver: over.at(-1) ?? Number.NaN,
      ...Object.fromEntries(Object.keys(samples[0] ?? {}).map(key => [key, middle(key)])),
    },
  };
}

interface Listener {
  client: Client;
  /** Resolves with the time (performance.now) at which it had listed a tool of the server. */
  lists(server: string): Promise<number>;
}

/** A client as any SDK user makes it, that lists again when it is told to, at once instead of after the default 300 ms. */
async function connect(up: UpProcess, mode: Mode): Promise<Listener> {
  let check: (names: string[]) => void = () => {};
  const client = new Client(
    { name: 'bench', version: '1.0.0' },
    {
      versionNegotiation: { mode },
      listChanged: {
        tools: { debounceMs: 0, onChanged: (_error, tools) => check((tools ?? []).map(({ name }) => name)) },
      },
    },
  );
  const transport = new StreamableHTTPClientTransport(new URL(`${up.url}/mcp/bench`), {
    requestInit: { headers: { authorization: `Bearer ${up.token}` } },
  });
  await client.connect(transport);
  return {
    client,
    lists: server =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`the client was never told of ${server}`)), PATIENCE_MS);
        check = names => {
          if (!names.some(name => name.startsWith(`${server}__`))) return;
          clearTimeout(timer);
          resolve(performance.now());
        };
      }),
  };
}

async function pushServer(
  { repository, up }: Scene,
  listener: Listener,
  servers: readonly string[],
  lines: readonly Line[],
): Promise<Moments> {
  const name = servers.at(-1) ?? '';
  writeFiles(repository.work, { ...memoryServer(name), ...benchProject(servers) });
  repository.git('add', '--all', '.');
  repository.git('commit', '--quiet', '-m', `Add ${name}`);
  repository.git('push', '--quiet', 'origin', 'HEAD:refs/heads/main');
  const pushed = performance.now();
  const listed = listener.lists(name);
  await poke(up);
  const hookAnswered = performance.now();
  const listedAt = await listed;
  const status = await up.until(
    `${name} to be Ready`,
    ({ conditions }) => condition({ conditions }, 'Ready') === 'True',
  );
  const ownStart = status.servers.find(server => server.name === name)?.instances[0]?.startMs ?? Number.NaN;
  const fetched = statSync(join(up.stateDir, 'mirror.git', 'refs', 'heads', 'followed')).mtimeMs;
  const lineAt = (pattern: RegExp) => (lines.find(({ text }) => pattern.test(text))?.at ?? Number.NaN) - pushed;
  const running = lineAt(/is Running/);
  return {
    ownStart,
    hookAnswered: hookAnswered - pushed,
    fetched: fetched - performance.timeOrigin - pushed,
    applied: lineAt(/commit [0-9a-f]+:/),
    spawned: running - ownStart,
    running,
    listed: listedAt - pushed,
  };
}

/** What a forge's webhook sends. */
export async function poke(up: UpProcess): Promise<void> {
  const secret = readFileSync(join(up.stateDir, 'hook-secret'), 'utf8').trim();
  const body = '{"ref":"refs/heads/main"}';
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  const answer = await fetch(`${up.url}/hooks/git`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${signature}` },
    body,
  });
  if (answer.status !== 202) throw new Error(`the hook answered ${answer.status}: ${await answer.text()}`);
}
