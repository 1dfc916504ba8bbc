import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const IDENTITY = {
  GIT_AUTHOR_NAME: 'Test',
  GIT_AUTHOR_EMAIL: 'test@example.com',
  GIT_COMMITTER_NAME: 'Test',
  GIT_COMMITTER_EMAIL: 'test@example.com',
};

/** File contents by path; `null` removes the file, `{ link }` makes a symbolic link. */
export type Files = Record<string, string | Uint8Array | { link: string } | null>;

/** A bare repository as remote, and a working tree that pushes to it. */
export interface TempRepository {
  /** Everything is below it. */
  folder: string;
  /** The bare repository. */
  bare: string;
  /** The working tree. */
  work: string;
  /** Write files, commit and push. @returns the commit's id */
  commit(files: Files, message?: string): string;
  /** Run git in the working tree. @returns its output, trimmed */
  git(...args: string[]): string;
  remove(): void;
}

/** Make a real repository with one branch, below the system's temporary folder. @param files the first commit, if any */
export function tempRepository(files?: Files, options: { branch?: string; format?: string } = {}): TempRepository {
  const { branch = 'main', format = 'sha1' } = options;
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-repository-'));
  const bare = join(folder, 'remote.git');
  const work = join(folder, 'work');
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: work,
      env: { ...process.env, ...IDENTITY, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 64 * 1024 * 1024,
    }).trim();
  mkdirSync(work);
  git('init', '--quiet', '--bare', `--object-format=${format}`, `--initial-branch=${branch}`, bare);
  git('init', '--quiet', `--object-format=${format}`, `--initial-branch=${branch}`);
  git('remote', 'add', 'origin', bare);

  const repository: TempRepository = {
    folder,
    bare,
    work,
    git,
    commit(changes, message = 'Change') {
      writeFiles(work, changes);
      git('add', '--all', '--force', '.');
      git('commit', '--quiet', '--allow-empty', '-m', message);
      git('push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${branch}`);
      return git('rev-parse', 'HEAD');
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
  if (files) repository.commit(files);
  return repository;
}

/** Write, link or remove files below a folder. */
export function writeFiles(folder: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder, path);
    rmSync(target, { recursive: true, force: true });
    if (content === null) continue;
    mkdirSync(dirname(target), { recursive: true });
    if (typeof content === 'string' || content instanceof Uint8Array) writeFileSync(target, content);
    else symlinkSync(content.link, target);
  }
}

/** A valid repository with as many servers as asked for. */
export function serverFiles(count: number): Files {
  const files: Files = {
    'mcpctl.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n',
  };
  for (let index = 0; index < count; index++) files[`servers/server-${index}.yaml`] = serverFile(`server-${index}`);
  return files;
}

/** One valid Server, as YAML. @param argument something to tell its versions apart */
export function serverFile(name: string, argument = 'one'): string {
  return `apiVersion: mcpctl.dev/v1
kind: Server
metadata:
  name: ${name}
  description: A server made for a test
spec:
  transport: stdio
  command: [node, server.js, ${argument}]
  env:
    - name: LOG_LEVEL
      value: info
`;
}
