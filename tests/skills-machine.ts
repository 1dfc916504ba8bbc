import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { SyncReport } from '../cli/sync/index.ts';
import { mcpctl, type Outcome } from './command-line.ts';
import type { Files } from './temp-repository.ts';

/** A developer’s machine: a home of its own, and the command line on it. */
export interface SkillsMachine {
  home: string;
  env: Record<string, string | undefined>;
  /** Below the home. */
  path(...parts: string[]): string;
  /** A file below the home; undefined when it is not there. */
  read(path: string): string | undefined;
  write(path: string, content: string): void;
  /** The names in a folder below the home. */
  names(path: string): string[];
  run(argv: readonly string[], cwd?: string): Promise<Outcome>;
  /** `mcpctl skills sync -o json`, in the home unless elsewhere is said. */
  sync(argv?: readonly string[], cwd?: string): Promise<Outcome & { report: SyncReport }>;
  remove(): void;
}

export function skillsMachine(): SkillsMachine {
  const home = mkdtempSync(join(tmpdir(), 'mcpctl-machine-'));
  const env = { PATH: process.env.PATH, HOME: home, GIT_CONFIG_GLOBAL: '/dev/null' };
  const path = (...parts: string[]) => join(home, ...parts);
  const run = (argv: readonly string[], cwd = home) => mcpctl(argv, { cwd, env });
  return {
    home,
    env,
    path,
    read: file => (existsSync(path(file)) ? readFileSync(path(file), 'utf8') : undefined),
    write(file, content) {
      mkdirSync(dirname(path(file)), { recursive: true });
      writeFileSync(path(file), content);
    },
    names: folder => (existsSync(path(folder)) ? readdirSync(path(folder)).sort() : []),
    run,
    async sync(argv = [], cwd = home) {
      const outcome = await run(['skills', 'sync', '-o', 'json', ...argv], cwd);
      return { ...outcome, report: JSON.parse(outcome.stdout) };
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** `mcpctl.yaml`, and nothing else. */
export const emptyRepository: Files = {
  'mcpctl.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n',
};

/** A skill’s files. @param body of `SKILL.md`; @param more by path below its folder */
export function skillFiles(folder: string, body = 'Do it.', more: Files = {}): Files {
  const name = folder.split('/').at(-1);
  const files: Files = {
    [`${folder}/SKILL.md`]: `---\nname: ${name}\ndescription: A skill made for a test\n---\n\n${body}\n`,
  };
  for (const [path, content] of Object.entries(more)) files[`${folder}/${path}`] = content;
  return files;
}

/** A project’s own file. */
export function projectFile(spec = 'prompts: []'): string {
  const body = spec
    .split('\n')
    .map(line => `  ${line}\n`)
    .join('');
  return `apiVersion: mcpctl.dev/v1\nkind: Project\nspec:\n${body}`;
}
