import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGitServer } from '../git-server.ts';
import { emptyRepository, skillFiles } from '../skills-machine.ts';
import { type Files, type TempRepository, tempRepository } from '../temp-repository.ts';
import { type Figure, median } from './figures.ts';
import { withCleanUp } from './scene.ts';

const root = join(import.meta.dirname, '..', '..');
const SKILLS = 50;
const FILES = 394;
const BYTES = 11 * 1024 * 1024;
const RUNS = 15;
/** The peer: the registry's newest that was tried. */
const PEER = 'skills@1.7.4';
/** With a folder in it: the peer looks for updates only of what has an owner and a name in its address. */
const PATH = 'team/remote.git';
const BUDGET_MS = 1_000;
const ROUND_TRIP_MS = 300;
/** Sessions that start while the remote is far or gone; of so many the slowest counts. */
const SESSIONS = 10;

/** Skills on a developer’s disk, from the bundle, against git, a bare start of Node and a peer on the same server. */
export async function benchSkills(): Promise<Figure[]> {
  execFileSync(process.execPath, [join(root, '.ci', 'bundle.ts')], { stdio: ['ignore', 'ignore', 'inherit'] });
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-bench-'));
  const repository = tempRepository({ ...emptyRepository, ...allSkills() });
  repository.git('config', '--file', join(repository.bare, 'config'), 'uploadpack.allowFilter', 'true');
  mkdirSync(join(repository.folder, 'team'));
  symlinkSync(join('..', 'remote.git'), join(repository.folder, PATH));
  const server = await startGitServer({ root: repository.folder });
  return withCleanUp(
    async () => {
      await server.close();
      repository.remove();
      rmSync(folder, { recursive: true, force: true });
    },
    async () => {
      cpSync(join(root, 'dist'), join(folder, 'package', 'dist'), { recursive: true });
      cpSync(join(root, 'cli', 'mcpctl.mjs'), join(folder, 'package', 'cli', 'mcpctl.mjs'));
      cpSync(join(root, 'package.json'), join(folder, 'package', 'package.json'));
      const scene = new Scene(folder, repository, `${server.url}/${PATH}`);
      return [
        ...(await scene.againstPeer()),
        ...(await scene.unchanged()),
        ...(await scene.changed()),
        ...(await scene.farAway()),
      ];
    },
  );
}

function allSkills(): Files {
  const files: Files = {};
  const extra = FILES - SKILLS;
  const size = Math.floor(BYTES / extra);
  for (let index = 0; index < SKILLS; index++) Object.assign(files, skillFiles(`skills/skill-${index}`));
  for (let index = 0; index < extra; index++)
    files[`skills/skill-${index % SKILLS}/data/${index}.bin`] = randomBytes(size);
  return files;
}

class Scene {
  private home: string;
  private readonly hook: string;
  private readonly cli: string;
  private readonly folder: string;
  private readonly repository: TempRepository;
  private readonly url: string;

  constructor(folder: string, repository: TempRepository, url: string) {
    this.folder = folder;
    this.repository = repository;
    this.url = url;
    this.home = join(folder, 'home');
    this.hook = join(folder, 'package', 'dist', 'skills-hook.js');
    this.cli = join(folder, 'package', 'cli', 'mcpctl.mjs');
  }

  /** A first install, and a look for updates when there are none, by both. */
  async againstPeer(): Promise<Figure[]> {
    const peer = await installPeer(this.folder);
    let theirHome = '';
    const add = ['add', this.url, '-g', '-a', 'claude-code', '-s', '*', '-y'];
    const install: number[] = [];
    const theirs: number[] = [];
    for (let run = 0; run < 5; run++) {
      // Each time a new place: where much was just deleted, ext4 takes long to find room for what is made.
      this.home = join(this.folder, `home-${run}`);
      theirHome = join(this.folder, `their-home-${run}`);
      // The folder for compiled code is what a machine that used mcpctl before has.
      mkdirSync(join(this.home, '.mcpctl'), { recursive: true, mode: 0o700 });
      if (peer) theirs.push(await elapsed([peer, ...add], theirHome));
      install.push(await elapsed([this.cli, 'skills', 'sync', '--from', this.url, '-q'], this.home));
    }
    this.expectInstalled();
    this.configure({ freshnessSec: 0, budgetMs: 20_000 });
    const look = ['update', '-g', '-y'];
    const ways: Record<string, () => Promise<number>> = {
      hook: () => elapsed([this.hook], this.home),
      command: () => this.sync(),
      ...(peer && {
        update: () => elapsed([peer, ...look], theirHome),
        // From where it is installed, so that npx has nothing to fetch.
        asTyped: () => elapsed(['skills', ...look], theirHome, 'npx', join(this.folder, 'peer')),
      }),
    };
    const names = Object.keys(ways);
    const took: Record<string, number[]> = {};
    for (let run = 0; run < 3 * names.length; run++) {
      // Each is as often the one that comes after the largest, and finds nothing of its own in the processor's caches.
      for (let at = 0; at < names.length; at++) {
        const way = names[(run + at) % names.length] ?? '';
        const ms = await ways[way]?.();
        if (ms !== undefined) took[way] = [...(took[way] ?? []), ms];
      }
    }
    const middle = (way: string) => median(took[way] ?? [0]);
    const name = peer ? PEER : `${PEER} (not to be had)`;
    return [
      {
        ...figure('fresh install of 50 skills', median(install), `${name} add`, peer ? median(theirs) : 0),
        ...(peer && { target: 0.8 }),
      },
      ...['hook', 'command'].flatMap(what => [
        {
          ...figure(`no change, by the ${what}`, middle(what), `npx ${name} update`, middle('asTyped')),
          ...(peer && { target: 0.1 }),
        },
        figure('the same', middle(what), `${name} update without npx`, middle('update')),
      ]),
    ];
  }

  /** Nothing to do: against the least that anybody could do, and within the window against starting Node. */
  async unchanged(): Promise<Figure[]> {
    this.configure({ freshnessSec: 0, budgetMs: 20_000 });
    const command: number[] = [];
    const hook: number[] = [];
    const floor: number[] = [];
    const fresh: number[] = [];
    const bare: number[] = [];
    await this.sync();
    for (let run = 0; run < RUNS; run++) {
      command.push(await this.sync());
      hook.push(await elapsed([this.hook], this.home));
      const node = await elapsed(['-e', '0'], this.home);
      bare.push(node);
      const git = await elapsed(['ls-remote', this.url, 'refs/heads/main'], this.home, 'git');
      floor.push(node + git + this.lookAtAll());
      this.configure({ freshnessSec: 3_600 });
      fresh.push(await elapsed([this.hook], this.home));
      this.configure({ freshnessSec: 0 });
    }
    const least = 'git ls-remote + node -e 0 + lstat of all files';
    return [
      { ...figure('no change, by the hook', median(hook), least, median(floor)), target: 1.7 },
      { ...figure('no change, by the command', median(command), least, median(floor)), target: 1.7 },
      { ...figure('within the freshness window', median(fresh), 'node -e 0', median(bare)), target: 2 },
    ];
  }

  async changed(): Promise<Figure[]> {
    const changed: number[] = [];
    const same: number[] = [];
    for (let run = 0; run < 7; run++) {
      this.repository.commit(skillFiles('skills/skill-7', `Changed ${run}.`));
      changed.push(await this.sync());
      same.push(await this.sync());
    }
    return [{ ...figure('one changed skill', median(changed), 'no change', median(same)), target: 2.5 }];
  }

  /** What a session waits when the remote is far, or takes connections and never answers. */
  async farAway(): Promise<Figure[]> {
    const figures: Figure[] = [];
    for (const [name, open] of [
      ['300 ms round trips', () => slowProxy(Number(new URL(this.url).port), ROUND_TRIP_MS / 2)],
      ['a black-holed remote', () => listen(createServer(() => undefined))],
    ] as const) {
      const proxy = await open();
      const { port } = proxy.address() as AddressInfo;
      const from = `http://127.0.0.1:${port}/${PATH}`;
      const first: number[] = [];
      const later: number[] = [];
      for (let session = 0; session < SESSIONS; session++) {
        this.configure({ freshnessSec: 0, budgetMs: BUDGET_MS, from });
        // Twice in vain, or in time; then it is left to the background.
        rmSync(join(this.home, '.mcpctl', 'sync', 'checked.json'), { force: true });
        first.push(await elapsed([this.hook], this.home), await elapsed([this.hook], this.home));
        const misses = this.misses();
        if (misses >= 2) later.push(await elapsed([this.hook], this.home));
        endBackground(this.home);
      }
      proxy.close();
      figures.push({
        ...figure(`${name}: the first two sessions, slowest`, Math.max(...first), 'the budget', BUDGET_MS),
        ...{ compare: 'difference', target: 150 },
      });
      if (later.length > 0) {
        const after = figure(`${name}: those after, slowest`, Math.max(...later), 'nothing', 0);
        figures.push({ ...after, compare: 'difference', target: 150 });
      }
    }
    return figures;
  }

  private sync(): Promise<number> {
    return elapsed([this.cli, 'skills', 'sync', '-q'], this.home);
  }

  private lookAtAll(): number {
    const folder = join(this.home, '.claude', 'skills');
    const paths = readdirSync(folder).flatMap(name =>
      readdirSync(join(folder, name), { recursive: true }).map(path => join(folder, name, String(path))),
    );
    const started = performance.now();
    for (const path of paths) lstatSync(path);
    return performance.now() - started;
  }

  private expectInstalled(): void {
    const names = readdirSync(join(this.home, '.claude', 'skills'));
    if (names.length !== SKILLS) throw new Error(`${names.length} skills were installed`);
  }

  private configure(change: Record<string, unknown>): void {
    const file = join(this.home, '.mcpctl', 'skills.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...change }));
  }

  private misses(): number {
    const file = join(this.home, '.mcpctl', 'sync', 'checked.json');
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).misses : 0;
  }
}

/** @returns the peer’s program; undefined where it cannot be had */
async function installPeer(folder: string): Promise<string | undefined> {
  const prefix = join(folder, 'peer');
  mkdirSync(prefix);
  try {
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', prefix, PEER], {
      stdio: 'ignore',
    });
  } catch {
    return undefined;
  }
  return join(prefix, 'node_modules', 'skills', 'bin', 'cli.mjs');
}

/** Wall-clock time of a process; this process goes on serving meanwhile. */
function elapsed(argv: string[], home: string, program = process.execPath, cwd = home): Promise<number> {
  mkdirSync(home, { recursive: true });
  const env = {
    ...{ PATH: process.env.PATH, HOME: home, GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0' },
    ...{ DISABLE_TELEMETRY: '1', DO_NOT_TRACK: '1', CI: '1' },
  };
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', chunk => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('exit', code => {
      if (code === 0) resolve(performance.now() - started);
      else reject(new Error(`${argv.join(' ')}: exit ${code}: ${stderr.slice(-2_000)}`));
    });
  });
}

/** Hands everything on, each direction so much later. */
function slowProxy(port: number, ms: number): Promise<Server> {
  const relay = (from: Socket, to: Socket) => {
    from.on('data', chunk => setTimeout(() => to.write(chunk), ms));
    from.on('end', () => setTimeout(() => to.end(), ms));
    from.on('error', () => to.destroy());
  };
  return listen(
    createServer(client => {
      const upstream = connect(port, '127.0.0.1');
      relay(client, upstream);
      relay(upstream, client);
    }),
  );
}

function listen(server: Server): Promise<Server> {
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(server)));
}

/** What hooks left running for this home; found by its environment. */
function endBackground(home: string): void {
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      const program = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      if (program.includes('--background') && environment.split('\0').includes(`HOME=${home}`))
        process.kill(-Number(pid), 'SIGKILL');
    } catch {
      // Gone by now, or another’s.
    }
  }
}

function figure(name: string, measured: number, baseline: string, value: number): Figure {
  return {
    bench: 'skills',
    name,
    measured,
    baseline: { name: baseline, value },
    unit: 'ms',
    compare: 'ratio',
    detail: {},
  };
}
