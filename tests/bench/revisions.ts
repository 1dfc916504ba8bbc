import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PlannedCommit, plannedHistory } from '../planned-history.ts';
import { serverFile } from '../temp-repository.ts';
import { type Figure, median } from './figures.ts';
import { withCleanUp } from './scene.ts';

const root = join(import.meta.dirname, '..', '..');
const RESOURCES = 10_000;
const COMMITS = 10_000;
/** Of each command; the machine is shared, so that the middle of several counts. */
const RUNS = 9;

/** What looking at the past costs, against git doing the same on the same repository, each a process of its own. */
export async function benchRevisions(): Promise<Figure[]> {
  execFileSync(process.execPath, [join(root, '.ci', 'bundle.ts')], { stdio: ['ignore', 'ignore', 'inherit'] });
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-bench-'));
  const history = plannedHistory(commits());
  return withCleanUp(
    () => {
      rmSync(folder, { recursive: true, force: true });
      history.remove();
    },
    async () => {
      // As anybody's repository is after a while.
      history.git('gc', '--quiet');
      const env = { ...process.env, MCPCTL_HOME: join(folder, 'home') };
      mkdirSync(env.MCPCTL_HOME, { mode: 0o700 });
      cpSync(join(root, 'dist'), join(folder, 'package', 'dist'), { recursive: true });
      cpSync(join(root, 'cli', 'mcpctl.mjs'), join(folder, 'package', 'cli', 'mcpctl.mjs'));
      cpSync(join(root, 'package.json'), join(folder, 'package', 'package.json'));
      const program = join(folder, 'package', 'cli', 'mcpctl.mjs');
      const mcpctl = (...argv: string[]) => elapsed(process.execPath, [program, ...argv], history.folder, env);
      const git = (...argv: string[]) => elapsed('git', argv, history.folder, env);
      return figures(mcpctl, git);
    },
  );
}

type Run = (...argv: string[]) => number;

function figures(mcpctl: Run, git: Run): Figure[] {
  const start = () => mcpctl('version');
  const against = (name: string, ours: string[], theirs: string[]): Figure => {
    mcpctl(...ours);
    const rounds = Array.from({ length: RUNS }, () => [mcpctl(...ours), git(...theirs), start()] as const);
    const [whole, baseline, started] = [0, 1, 2].map(at => median(rounds.map(round => round[at] ?? Number.NaN)));
    const detail = { whole: whole ?? 0, start: started ?? 0 };
    return {
      ...figure(
        name,
        detail.whole - detail.start,
        { name: `git ${theirs.slice(0, 2).join(' ')} …`, value: baseline ?? 0 },
        2,
      ),
      compare: 'ratio',
      detail,
    };
  };
  const within = (name: string, argv: string[], limit: number): Figure => {
    mcpctl(...argv);
    const whole = median(Array.from({ length: RUNS }, () => mcpctl(...argv)));
    return figure(name, whole, { name: 'nothing', value: 0 }, limit);
  };
  const diff = ['--from', 'HEAD~100', '--to', 'HEAD'];
  return [
    against(
      'get revisions, less its start',
      ['get', 'revisions', 'prompt', 'prompt-42'],
      ['log', '--follow', '--', 'prompts/prompt-42.md'],
    ),
    against(
      'diff of one resource, less its start',
      ['diff', 'prompt', 'prompt-42', '--from', 'HEAD~5000', '--to', 'HEAD'],
      ['diff', 'HEAD~5000', 'HEAD', '--', 'prompts/prompt-42.md'],
    ),
    against('diff of everything, 100 commits, less its start', ['diff', ...diff], ['diff', 'HEAD~100', 'HEAD']),
    against(
      'diff of everything, 9,000 commits, less its start',
      ['diff', '--from', 'HEAD~9000', '--to', 'HEAD'],
      ['diff', 'HEAD~9000', 'HEAD'],
    ),
    within('get prompt --at an old commit', ['get', 'prompt', 'prompt-42', '--at', 'HEAD~9000'], 150),
    within('log -n 50', ['log', '-n', '50'], 300),
  ];
}

function figure(name: string, measured: number, baseline: Figure['baseline'], target: number): Figure {
  return { bench: 'revisions', name, measured, baseline, unit: 'ms', compare: 'difference', target, detail: {} };
}

/** Half servers, half prompts, all there from the first commit on; each further commit edits one. */
function* commits(): Generator<PlannedCommit> {
  const files: Record<string, string> = {
    'mcpctl.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n',
  };
  for (let index = 0; index < RESOURCES / 2; index++) {
    files[`servers/server-${index}.yaml`] = serverFile(`server-${index}`);
    files[`prompts/prompt-${index}.md`] = promptFile(index, 0);
  }
  yield { name: 'first', files };
  for (let index = 1; index < COMMITS; index++) {
    // Some are edited often, most now and then.
    const one = index % 50 === 0 ? 42 : (index * 7) % (RESOURCES / 2);
    const edit: Record<string, string> =
      index % 2 === 0
        ? { [`prompts/prompt-${one}.md`]: promptFile(one, index) }
        : { [`servers/server-${one}.yaml`]: serverFile(`server-${one}`, `run-${index}`) };
    yield { name: `edit-${index}`, files: edit };
  }
}

function promptFile(index: number, edit: number): string {
  return `---\ntitle: Prompt ${index}\n---\n${'A line that stays as it is.\n'.repeat(10)}Edit ${edit} of prompt ${index}.\n`;
}

/** Milliseconds that a process takes from start to end. */
function elapsed(command: string, argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv): number {
  const began = performance.now();
  const { status, stderr } = spawnSync(command, argv, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`${command} ${argv.join(' ')} ended with ${status}: ${stderr}`);
  return performance.now() - began;
}
