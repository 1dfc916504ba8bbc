import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openSource, parseRemote } from '../../repo/index.ts';
import { startGitServer } from '../git-server.ts';
import { serverFile, serverFiles, tempRepository, writeFiles } from '../temp-repository.ts';
import { makeKey } from '../trust-scene.ts';
import { type Figure, median } from './figures.ts';
import { withCleanUp } from './scene.ts';

const root = join(import.meta.dirname, '..', '..');
const RESOURCES = 10_000;
const CHANGED = 100;
const TAGS = 100_000;
const RELEASES = 500;
const RUNS = 9;

/** What signed releases cost: from the bundle, each command a process of its own. */
export function benchTrust(): Promise<Figure[]> {
  execFileSync(process.execPath, [join(root, '.ci', 'bundle.ts')], { stdio: ['ignore', 'ignore', 'inherit'] });
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-bench-'));
  return withCleanUp(
    () => rmSync(folder, { recursive: true, force: true }),
    async () => [...releaseFigures(folder), await findFigure(folder)],
  );
}

function releaseFigures(folder: string): Figure[] {
  const home = join(folder, 'home');
  mkdirSync(home, { mode: 0o700 });
  const key = makeKey(join(folder, 'keys'), 'alice');
  const config = join(folder, 'gitconfig');
  const signers = join(folder, 'allowed_signers');
  writeFileSync(signers, `alice namespaces="git" ${key.text}\n`);
  writeFileSync(
    config,
    `[user]\n\tname = Alice\n\temail = a@example.com\n[gpg]\n\tformat = ssh\n[gpg "ssh"]\n\tallowedSignersFile = ${signers}\n`,
  );
  const env = { PATH: process.env.PATH, HOME: home, MCPCTL_HOME: home, GIT_CONFIG_GLOBAL: config };
  for (const part of ['dist', 'cli/mcpctl.mjs', 'package.json']) {
    cpSync(join(root, part), join(folder, 'package', part), { recursive: true });
  }
  const work = join(folder, 'work');
  mkdirSync(work);
  const run = (argv: readonly string[]) => elapsed(argv, work, env);
  const git = (...args: string[]) => run(['git', ...args]);
  const mcpctl = (...args: string[]) => run([process.execPath, join(folder, 'package/cli/mcpctl.mjs'), ...args]);

  writeFiles(work, serverFiles(RESOURCES - 1));
  git('init', '--quiet', '--initial-branch=main');
  mcpctl('trust', 'init', '--sign-key', key.file, '-q');
  commit();
  const first = mcpctl('release', '--sign-key', key.file);
  const shown = spawnSync(process.execPath, [join(folder, 'package/cli/mcpctl.mjs'), 'trust', 'show', '-o', 'json'], {
    cwd: work,
    env,
    encoding: 'utf8',
  });
  mcpctl('trust', 'add', work, '--fingerprint', JSON.parse(shown.stdout).roots[0].fingerprint);
  const releases = [1, 2, 3].map(round => {
    const files = Array.from({ length: CHANGED }, (_, index) => {
      const name = `server-${index}`;
      return [`servers/${name}.yaml`, serverFile(name, `round-${round}`)];
    });
    writeFiles(work, Object.fromEntries(files));
    commit();
    return mcpctl('release', '--sign-key', key.file);
  });
  const tag = 'v0.1.3';
  const rounds = Array.from({ length: RUNS }, () => ({
    verify: mcpctl('verify', tag),
    files: mcpctl('verify', tag, '--files'),
    git: git('verify-tag', tag),
    node: run([process.execPath, '-e', '0']),
  }));
  const of = (name: keyof (typeof rounds)[number]) => median(rounds.map(round => round[name]));
  const baseline = { name: 'git verify-tag + node -e 0', value: of('git') + of('node') };
  const detail = { 'git verify-tag': of('git'), 'node -e 0': of('node') };
  const bare = { name: 'node -e 0', value: of('node') };
  return [
    figure(`verify a release of ${RESOURCES} resources`, of('verify'), baseline, 'ratio', 2, detail),
    figure('the same, every file hashed', of('files'), baseline, 'ratio', undefined, detail),
    figure(`release ${CHANGED} of ${RESOURCES} resources`, median(releases), bare, 'difference', 3_000, { first }),
  ];

  function commit(): void {
    git('add', '--all');
    git('commit', '--quiet', '--message=Change');
  }
}

/** What crosses the wire, counted between git and a real server. */
async function findFigure(folder: string): Promise<Figure> {
  const repository = tempRepository({ 'mcpctl.yaml': 'x: 1\n' });
  const commit = repository.git('rev-parse', 'HEAD');
  const names = Array.from({ length: TAGS }, (_, index) =>
    index < RELEASES ? `v0.${index}.0` : `servers/server-${index % 1_000}/v0.${index}.0`,
  );
  // As `git pack-refs` writes it, which takes minutes for as many files.
  const refs = [...names.map(name => `refs/tags/${name}`), 'refs/heads/main'].sort();
  const head = '# pack-refs with: peeled fully-peeled sorted ';
  writeFileSync(join(repository.bare, 'packed-refs'), `${[head, ...refs.map(ref => `${commit} ${ref}`)].join('\n')}\n`);
  const server = await startGitServer({ root: repository.folder });
  const wire = await countingProxy(Number(new URL(server.url).port));
  try {
    const remote = parseRemote(`http://127.0.0.1:${wire.port}/remote.git`, '/');
    if ('problem' in remote) throw new Error(remote.problem.message);
    const env = { PATH: process.env.PATH };
    const mirror = await openSource({
      stateDir: join(folder, 'find'),
      remote,
      ref: 'refs/heads/main',
      path: '',
      env,
      home: folder,
    });
    const listed = await mirror.list(['refs/tags/v']);
    if ('problem' in listed || listed.refs.length !== RELEASES) throw new Error('the releases were not listed');
    const measured = wire.bytes();
    const began = wire.bytes();
    // Not synchronously: the server is in this process.
    await promisify(execFile)('git', ['ls-remote', '--quiet', remote.url, 'refs/tags/v*'], {
      maxBuffer: 64 * 1024 * 1024,
    });
    const detail = { 'git ls-remote': wire.bytes() - began };
    const baseline = { name: '1 kB', value: 1_000 };
    const name = `find the newest of ${RELEASES} releases among ${TAGS} tags`;
    return { ...figure(name, measured, baseline, 'ratio', 100, detail), unit: 'bytes' };
  } finally {
    wire.close();
    await server.close();
    repository.remove();
  }
}

/** Passes everything on, and counts it, in both directions. */
async function countingProxy(port: number): Promise<{ port: number; bytes(): number; close(): void }> {
  let total = 0;
  const server = createServer(client => {
    const upstream = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('data', (chunk: Buffer) => {
        total += chunk.length;
      });
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, bytes: () => total, close: () => server.close() };
}

function figure(
  name: string,
  measured: number,
  baseline: Figure['baseline'],
  compare: Figure['compare'],
  target: number | undefined,
  detail: Figure['detail'],
): Figure {
  return {
    bench: 'trust',
    name,
    measured,
    baseline,
    unit: 'ms',
    compare,
    ...(target !== undefined && { target }),
    detail,
  };
}

function elapsed(argv: readonly string[], cwd: string, env: Record<string, string | undefined>): number {
  const [program = '', ...args] = argv;
  const began = performance.now();
  const { status, stderr } = spawnSync(program, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`${args.join(' ').slice(0, 200)} ended with ${status}: ${stderr}`);
  return performance.now() - began;
}
