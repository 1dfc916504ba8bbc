import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ServerStatus } from '../../reconciler/index.ts';
import { condition, poll, type UpProcess } from '../e2e/daemon.ts';
import { type Files, writeFiles } from '../temp-repository.ts';
import { legacyCall, modernCall } from './call.ts';
import { type Figure, median, percentile } from './figures.ts';
import { poke } from './push.ts';
import { benchProject, inScene, repositoryFiles, type Scene } from './scene.ts';

const SERVERS = 20;
const TIMES = 5;
const ROUNDS = 40;
const CALLS_A_ROUND = 95;
const PATIENCE_MS = 30_000;
const echoServer = fileURLToPath(import.meta.resolve('../fixtures/servers/sdk2-stdio.mjs'));
/** Never answers, and is in no hurry to end. */
const hanging = 'setInterval(() => {}, 1000); process.stdin.resume();';

/** What clients notice of what goes wrong: a killed server, a hanging one, a revision that is a mistake. */
export async function benchTrouble(): Promise<Figure[]> {
  const names = Array.from({ length: SERVERS }, (_, index) => `echo-${index}`);
  const files = {
    ...repositoryFiles(0, []),
    ...benchProject(names),
    ...servers(names.map(name => [name, [echoServer]])),
  };
  return inScene({ files }, async scene => {
    await scene.up.until('everything to be Ready', status => condition(status, 'Ready') === 'True', PATIENCE_MS);
    return [
      await killed(scene.up, 'modern'),
      await killed(scene.up, 'legacy'),
      ...(await hung(scene.up)),
      await preempted(scene),
    ];
  });
}

function servers(programs: readonly (readonly [name: string, argv: readonly string[]])[]): Files {
  return Object.fromEntries(
    programs.map(([name, argv]) => {
      const command = JSON.stringify([process.execPath, ...argv]);
      return [
        `servers/${name}.yaml`,
        `apiVersion: mcpctl.dev/v1\nkind: Server\nspec:\n  transport: stdio\n  command: ${command}\n`,
      ];
    }),
  );
}

/** `kill -9` of a server; then the same client asks until it has an answer. */
async function killed(up: UpProcess, era: 'modern' | 'legacy'): Promise<Figure> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const [times, starts]: [number[], number[]] = [[], []];
  for (let time = 0; time < TIMES; time++) {
    // A second death within a minute would count as a failing start, and wait: that is meant, and not measured here.
    const name = `echo-${(era === 'modern' ? 0 : TIMES) + time}`;
    const ask = await caller(up, agent, era, name);
    await ask();
    const before = await instanceOf(up, name);
    process.kill(before.pid ?? 0, 'SIGKILL');
    const from = performance.now();
    await poll(`${name} to answer again`, PATIENCE_MS, () =>
      ask().then(
        () => true,
        () => false,
      ),
    );
    times.push(performance.now() - from);
    starts.push((await instanceOf(up, name)).startMs ?? Number.NaN);
  }
  agent.destroy();
  const start = median(starts);
  return {
    bench: 'trouble',
    name: `server killed → the same ${era} client is answered again`,
    measured: median(times),
    baseline: { name: 'that server’s own start', value: start },
    unit: 'ms',
    compare: 'difference',
    // A second in all.
    target: 1_000 - start,
    detail: { times: times.length, most: Math.max(...times) },
  };
}

/** One of them is stopped, with a call waiting for it; the others are called in turns with and without that. */
async function hung(up: UpProcess): Promise<Figure[]> {
  const name = `echo-${SERVERS - 1}`;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const others = await Promise.all(
    Array.from({ length: SERVERS - 1 }, (_, index) => caller(up, agent, 'modern', `echo-${index}`)),
  );
  const victim = await caller(up, new Agent(), 'modern', name);
  const { pid = 0 } = await instanceOf(up, name);
  const [hanging, working, listed]: [number[], number[], number[]] = [[], [], []];
  const round = async (into: number[]) => {
    for (let call = 0; call < CALLS_A_ROUND; call++) {
      const began = performance.now();
      await others[call % others.length]?.();
      into.push(performance.now() - began);
    }
  };
  try {
    for (let turn = 0; turn < ROUNDS; turn++) {
      await round(working);
      process.kill(pid, 'SIGSTOP');
      const waiting = victim().catch(() => undefined);
      await round(hanging);
      const began = performance.now();
      const tools = await listTools(up);
      listed.push(performance.now() - began);
      if (!tools.includes(`${name}__echo`)) throw new Error(`${name} is not listed`);
      process.kill(pid, 'SIGCONT');
      await waiting;
    }
  } finally {
    process.kill(pid, 'SIGCONT');
    agent.destroy();
  }
  const detail = { calls: hanging.length, medianHung: median(hanging), medianBefore: median(working) };
  return [
    {
      bench: 'trouble',
      name: `one of ${SERVERS} servers hangs: a call to the others, p99`,
      measured: percentile(hanging, 99),
      baseline: { name: 'none hangs', value: percentile(working, 99) },
      unit: 'ms',
      compare: 'ratio',
      target: 1.1,
      detail,
    },
    {
      bench: 'trouble',
      name: `one of ${SERVERS} servers hangs: a new client has listed all tools, slowest of ${ROUNDS}`,
      measured: Math.max(...listed),
      baseline: { name: 'nothing', value: 0 },
      unit: 'ms',
      compare: 'difference',
      target: 500,
      detail: { median: median(listed) },
    },
  ];
}

/** A revision whose server never gets ready is being tried when the next one, which mends it, is pushed. */
async function preempted({ repository, up }: Scene): Promise<Figure> {
  const [over, starts]: [number[], number[]] = [[], []];
  const push = (files: Files, message: string) => {
    writeFiles(repository.work, files);
    repository.git('add', '--all', '.');
    repository.git('commit', '--quiet', '-m', message);
    repository.git('push', '--quiet', 'origin', 'HEAD:refs/heads/main');
  };
  for (let time = 0; time < TIMES; time++) {
    const name = `mended-${time}`;
    push(servers([[name, ['-e', hanging]]]), `Add ${name}`);
    await poke(up);
    await poll(
      `${name} to be starting`,
      PATIENCE_MS,
      async () => (await serverOf(up, name))?.instances[0]?.pid !== undefined,
    );
    await sleep(300);
    push(servers([[name, [echoServer]]]), `Mend ${name}`);
    const from = performance.now();
    await poke(up);
    await poll(
      `${name} to be Running`,
      PATIENCE_MS,
      async () => (await serverOf(up, name))?.instances[0]?.ready === true,
    );
    const all = performance.now() - from;
    const start = (await instanceOf(up, name)).startMs ?? Number.NaN;
    starts.push(start);
    over.push(all - start);
  }
  return {
    bench: 'trouble',
    name: 'push of a revision while the one before is starting → it is in service',
    measured: median(starts) + median(over),
    baseline: { name: 'that server’s own start', value: median(starts) },
    unit: 'ms',
    compare: 'difference',
    target: 1_000,
    detail: { times: over.length, most: Math.max(...over) },
  };
}

function caller(up: UpProcess, agent: Agent, era: 'modern' | 'legacy', server: string): Promise<() => Promise<void>> {
  const tool = `${server}__echo`;
  return era === 'modern' ? Promise.resolve(modernCall(up, agent, tool)) : legacyCall(up, agent, tool);
}

async function serverOf(up: UpProcess, name: string): Promise<ServerStatus | undefined> {
  return (await up.status()).servers.find(server => server.name === name);
}

async function instanceOf(up: UpProcess, name: string): Promise<ServerStatus['instances'][number]> {
  const instance = (await serverOf(up, name))?.instances[0];
  if (!instance) throw new Error(`there is no instance of ${name}`);
  return instance;
}

/** What a client that has just come sees. */
async function listTools(up: UpProcess): Promise<string[]> {
  const answer = await fetch(`${up.url}/mcp/bench`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${up.token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/list',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/list',
      params: {
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  });
  return [...(await answer.text()).matchAll(/"name":"([\w-]+)"/g)].map(([, name = '']) => name);
}
