import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startGitServer } from '../git-server.ts';
import { type PersonAtWork, person, protectedBy, userFile } from '../people.ts';
import { serverFile, serverFiles, type TempRepository, tempRepository, writeFiles } from '../temp-repository.ts';
import { type Figure, median } from './figures.ts';
import { withCleanUp } from './scene.ts';

const root = join(import.meta.dirname, '..', '..');
const RESOURCES = 1_000;
const PROPOSALS = 500;
const RUNS = 7;

const policy = protectedBy('servers/', ['ann']);

/** What reviewing costs with many open proposals on an HTTP remote: from the bundle, each command a process of its own. */
export async function benchReview(): Promise<Figure[]> {
  execFileSync(process.execPath, [join(root, '.ci', 'bundle.ts')], { stdio: ['ignore', 'ignore', 'inherit'] });
  const repository = tempRepository(serverFiles(RESOURCES));
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-bench-'));
  repository.git('-C', repository.bare, 'config', 'http.receivepack', 'true');
  const server = await startGitServer({ root: repository.folder });
  return withCleanUp(
    async () => {
      await server.close();
      repository.remove();
      rmSync(folder, { recursive: true, force: true });
    },
    async () => {
      const ann = person(repository.folder, 'ann', repository.bare);
      repository.commit({ 'mcpctl.yaml': policy, 'access/users/ann.yaml': userFile(ann) });
      ann.git('remote', 'set-url', 'origin', `${server.url}/remote.git`);
      proposeMany(repository);
      cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
      cpSync(join(root, 'cli', 'mcpctl.mjs'), join(folder, 'cli', 'mcpctl.mjs'));
      cpSync(join(root, 'package.json'), join(folder, 'package.json'));
      return measure(ann, join(folder, 'cli', 'mcpctl.mjs'));
    },
  );
}

const idOf = (index: number) => `server-server-${index}-${index.toString(16).padStart(6, '0')}`;

/** Each changes another server. */
function proposeMany({ bare, git }: TempRepository): void {
  const main = git('rev-parse', 'HEAD');
  const commits = Array.from({ length: PROPOSALS }, (_, index) => {
    const message = `Change ${index}\n\nProposal-Id: ${idOf(index)}\nReason: measured\n`;
    const text = serverFile(`server-${index}`, 'two');
    return [
      `commit refs/heads/proposals/${idOf(index)}`,
      `committer zoe <zoe@x.example> ${1_790_000_000 + index} +0000`,
      `data ${Buffer.byteLength(message)}\n${message}from ${main}`,
      `M 100644 inline servers/server-${index}.yaml`,
      `data ${Buffer.byteLength(text)}\n${text}\n`,
    ].join('\n');
  });
  execFileSync('git', ['--git-dir', bare, 'fast-import', '--quiet'], { input: commits.join('') });
}

async function measure(ann: PersonAtWork, program: string): Promise<Figure[]> {
  // Not in between: the remote is served by this process.
  const timed = async (command: string, ...argv: string[]) => {
    const began = performance.now();
    await promisify(execFile)(command, argv, { cwd: ann.work, env: ann.env, maxBuffer: 64 * 1024 ** 2 });
    return performance.now() - began;
  };
  const mcpctl = (...argv: string[]) => timed(process.execPath, program, ...argv);
  const several = async (work: (round: number) => Promise<number>) => {
    const times: number[] = [];
    for (let round = 0; round < RUNS; round++) times.push(await work(round));
    return median(times);
  };
  await mcpctl('review', 'pending');
  const pending = await several(() => mcpctl('review', 'pending'));
  await mcpctl('review', 'diff', idOf(1));
  const diff = await several(() => mcpctl('review', 'diff', idOf(1)));

  const approve = await several(async round => {
    await mcpctl('review', 'show', idOf(10 + round));
    return mcpctl('review', 'approve', idOf(10 + round));
  });
  const byHand = await several(async round => {
    await timed('git', 'fetch', '--quiet', 'origin');
    await timed('git', 'reset', '--quiet', '--hard', 'origin/main');
    const merge = await timed(
      'git',
      'merge',
      '--quiet',
      '--no-ff',
      '-m',
      'Merge',
      `origin/proposals/${idOf(30 + round)}`,
    );
    return merge + (await timed('git', 'push', '--quiet', 'origin', 'HEAD:main'));
  });

  writeFiles(ann.work, { 'servers/server-900.yaml': serverFile('server-900', 'three') });
  await timed('git', 'add', 'servers');
  const validate = ['hooks', 'run', 'pre-commit'];
  await mcpctl(...validate);
  const staged = await several(() => mcpctl(...validate));
  const figure = (name: string, measured: number, target: number): Figure => ({
    bench: 'review',
    name,
    measured,
    baseline: { name: 'nothing', value: 0 },
    unit: 'ms',
    compare: 'difference',
    target,
    detail: {},
  });
  const baseline = { name: 'git merge + git push', value: byHand };
  return [
    figure('review pending, 500 proposals', pending, 1_000),
    figure('review diff', diff, 500),
    { ...figure('review approve, which merges', approve, 3), baseline, compare: 'ratio' },
    figure('what pre-commit runs', staged, 300),
  ];
}
