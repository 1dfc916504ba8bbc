import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, globSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverFile, serverFiles, writeFiles } from '../temp-repository.ts';
import { type Figure, median } from './figures.ts';
import { withCleanUp } from './scene.ts';

const root = join(import.meta.dirname, '..', '..');
const MEGABYTE = 1_000_000;
/** Of each command; the machine is shared, so that the middle of several counts. */
const RUNS = 15;

/** What a person waits for at the command line: from the bundle, each time a process of its own. */
export async function benchCommandLine(): Promise<Figure[]> {
  execFileSync(process.execPath, [join(root, '.ci', 'bundle.ts')], { stdio: ['ignore', 'ignore', 'inherit'] });
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-bench-'));
  return withCleanUp(
    () => rmSync(folder, { recursive: true, force: true }),
    async () => {
      const env = { ...process.env, MCPCTL_HOME: join(folder, 'home') };
      // A copy without the sources beside it, as a package has it: there the bundle is what runs.
      cpSync(join(root, 'dist'), join(folder, 'package', 'dist'), { recursive: true });
      cpSync(join(root, 'cli', 'mcpctl.mjs'), join(folder, 'package', 'cli', 'mcpctl.mjs'));
      cpSync(join(root, 'package.json'), join(folder, 'package', 'package.json'));
      cpSync(join(root, 'example-repo'), join(folder, 'example'), { recursive: true });
      execFileSync('mkdir', ['-p', '-m', '700', env.MCPCTL_HOME]);
      const mcpctl = (...argv: string[]) => elapsed([join(folder, 'package', 'cli', 'mcpctl.mjs'), ...argv], env);
      const example = join(folder, 'example');
      commitTwice(example);
      return [
        ...startFigures(mcpctl, example),
        completionFigure(mcpctl, 'the example', example),
        ...largeFigures(mcpctl, folder),
        bundleSize(),
      ];
    },
  );
}

type Run = (...argv: string[]) => number;

/** Every command that only reads, but for those that need a daemon or a remote, or ask other programs (`doctor`). */
const READ_ONLY = [
  'get servers',
  'get all',
  'get server everything -o yaml',
  'get revisions prompt code-review',
  'get prompt code-review --at HEAD~1',
  'describe server everything',
  'describe revision HEAD',
  'tree',
  'why everything',
  'validate',
  'plan',
  'diff',
  'log',
  'blame prompt code-review',
  'explain server',
  'export -p demo --client cursor',
  'completion bash',
];

/** Commands that only read, on the example, against a bare start of Node. */
function startFigures(mcpctl: Run, example: string): Figure[] {
  const commands = [['--version', 2] as const, ...READ_ONLY.map(words => [words, 4] as const)];
  return commands.map(([words, target]) => {
    const run = () => mcpctl('-C', example, ...words.split(' '));
    run();
    const [measured, bare] = paired(run, () => elapsed(['-e', '0'], process.env));
    return figure(`mcpctl ${words}`, measured, { name: 'node -e 0', value: bare }, 'ratio', target);
  });
}

/** With a history: what was changed last is a prompt. */
function commitTwice(folder: string): void {
  const git = (...args: string[]) => {
    const who = ['-c', 'user.name=Ann', '-c', 'user.email=ann@x.example'];
    execFileSync('git', [...who, ...args], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  };
  git('init', '--quiet', '--initial-branch=main');
  for (const message of ['Begin', 'Change']) {
    if (message === 'Change') appendFileSync(join(folder, 'prompts', 'code-review.md'), 'Be kind.\n');
    git('add', '--all');
    git('commit', '--quiet', `--message=${message}`);
  }
}

/** Large repositories: cold, again with one file changed, and listed when nothing changed. */
function largeFigures(mcpctl: Run, folder: string): Figure[] {
  const home = join(folder, 'home', 'cache', 'parsed');
  return [
    [1_000, 800],
    [10_000, 5_000],
  ].flatMap(([resources = 0, coldTarget = 0]) => {
    const repository = join(folder, `large-${resources}`);
    writeFiles(repository, serverFiles(resources - 1));
    const cold = median(
      [1, 2, 3].map(() => {
        rmSync(home, { recursive: true, force: true });
        return mcpctl('validate', repository, '-q');
      }),
    );
    const changed = median(
      [1, 2, 3].map(run => {
        writeFiles(repository, { 'servers/changed.yaml': serverFile('changed', `run-${run}`) });
        return mcpctl('validate', repository, '-q');
      }),
    );
    const listed = median([1, 2, 3].map(() => mcpctl('get', 'servers', '-C', repository)));
    const bare = { name: 'node -e 0', value: median([1, 2, 3].map(() => elapsed(['-e', '0'], process.env))) };
    return [
      ...(resources === 1_000 ? [completionFigure(mcpctl, `${resources} servers`, repository)] : []),
      figure(`validate ${resources} resources, cold`, cold, bare, 'difference', coldTarget),
      figure(`validate ${resources} resources, one changed`, changed, bare, 'difference', 300),
      figure(`get ${resources} servers, warm`, listed, bare, 'difference', 500),
    ];
  });
}

/** What a shell asks when somebody presses Tab after `mcpctl get server `. */
function completionFigure(mcpctl: Run, what: string, repository: string): Figure {
  const pressed = () => mcpctl('__complete', '--', 'get', '-C', repository, 'server', '');
  pressed();
  const measured = median(Array.from({ length: RUNS }, pressed));
  return figure(`a name completed, ${what}`, measured, { name: 'nothing', value: 0 }, 'difference', 100);
}

function bundleSize(): Figure {
  const files = globSync('**/*', { cwd: join(root, 'dist') }).map(file => statSync(join(root, 'dist', file)));
  const size = files.filter(file => file.isFile()).reduce((sum, file) => sum + file.size, 0);
  return {
    ...figure('the bundle, unpacked', size, { name: '1 MB', value: MEGABYTE }, 'ratio', 6),
    unit: 'bytes',
  };
}

function figure(
  name: string,
  measured: number,
  baseline: Figure['baseline'],
  compare: Figure['compare'],
  target: number,
): Figure {
  return { bench: 'command-line', name, measured, baseline, unit: 'ms', compare, target, detail: {} };
}

/** Medians of two things done in turn, so that both see the same machine. */
function paired(one: () => number, other: () => number): [number, number] {
  const pairs = Array.from({ length: RUNS }, () => [one(), other()] as const);
  return [median(pairs.map(([first]) => first)), median(pairs.map(([, second]) => second))];
}

/** Milliseconds that a Node process takes from start to end. */
function elapsed(argv: readonly string[], env: NodeJS.ProcessEnv): number {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, argv, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}: ${stderr}`);
  return performance.now() - began;
}
