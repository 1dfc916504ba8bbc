import { run } from '../../../host/index.ts';
import type { CliContext } from '../../context.ts';
import { done, paint } from '../../style.ts';

/** Milliseconds; signing a commit may ask somebody for a passphrase. */
const TIMEOUT_MS = 60_000;

/**
 * Make a folder a git repository with a first commit of these files, with the user's own git configuration; leave
 * committing to the user where the folder lies in a git repository already. What goes wrong is told on stderr: the
 * files are there all the same.
 * @returns whether there is a new git repository now
 */
export async function commitFirst(context: CliContext, root: string, paths: readonly string[]): Promise<boolean> {
  const { io, signal } = context;
  // A git that started us (a hook, an alias) names its own repository in these.
  const env = Object.fromEntries(
    Object.entries(context.env).filter(([name]) => !/^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX)$/.test(name)),
  );
  const git = (...args: string[]) => run(['git', ...args], { cwd: root, env, timeoutMs: TIMEOUT_MS, signal });

  const around = await git('rev-parse', '--show-toplevel');
  if (around.code === 0) {
    done(io, `it lies in the git repository ${around.stdout.toString().trim()}; nothing was committed`);
    return false;
  }
  for (const args of [
    ['init', '--quiet', '--initial-branch=main'],
    ['add', '--', ...paths],
    ['commit', '--quiet', '--message=Start with a server, a project, a prompt, a skill'],
  ]) {
    const result = await git(...args);
    if (result.code === 0) continue;
    const why = result.spawnError ? 'git could not be run' : lastLine(result.stderr);
    io.stderr(`${paint(io, 'yellow', '!')} git ${args[0]} failed: ${why}\n  → ${cure(args[0])}\n`);
    return args[0] !== 'init';
  }
  done(io, 'committed to the branch main of a new git repository');
  return true;
}

function lastLine(stderr: string): string {
  const lines = stderr.split('\n').filter(line => line.trim() !== '');
  return (lines.find(line => /^(?:fatal|error):/.test(line)) ?? lines.at(-1) ?? 'it did not say why').trim();
}

function cure(step: string | undefined): string {
  if (step === 'init') return 'Install git, or make the repository yourself: `git init -b main`, add, commit.';
  return 'Tell git who you are (`git config --global user.name …`, `user.email …`), then `git add . && git commit`.';
}
