import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mcpctl } from '../../../tests/command-line.ts';

let folder: string;
/** A repository in which no file has any content: only paths may count. */
let repository: string;
let env: Record<string, string>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-completion-'));
  repository = join(folder, 'repository');
  for (const path of [
    'mcpctl.yaml',
    'servers/memory.yaml',
    'servers/nested/metrics.yaml',
    'servers/NOT-A-NAME.yaml',
    'servers/readme.txt',
    'prompts/standup.md',
    'projects/demo/project.yaml',
    'projects/demo/prompts/tour.md',
    'projects/other/project.yaml',
    'templates/files.yaml',
    'environments/prod/servers/memory.yaml',
  ]) {
    mkdirSync(dirname(join(repository, path)), { recursive: true });
    writeFileSync(join(repository, path), '');
  }
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const main = new URL('../../main.ts', import.meta.url).pathname;
  writeFileSync(join(bin, 'mcpctl'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  chmodSync(join(bin, 'mcpctl'), 0o755);
  for (const name of ['bash', 'zsh', 'fish']) {
    writeFileSync(join(folder, `script.${name}`), (await mcpctl(['completion', name])).stdout);
  }
  env = { PATH: `${bin}:${process.env.PATH}`, HOME: folder, LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH ?? '' };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The words offered, and what the shell completes besides. */
async function complete(...words: string[]): Promise<string[]> {
  const { code, stdout } = await mcpctl(['__complete', '--', ...words], { cwd: repository });
  expect(code).toBe(0);
  return stdout
    .trimEnd()
    .split('\n')
    .map(line => line.split('\t')[0] ?? '');
}

describe('mcpctl __complete', () => {
  it.each([
    ['a command', ['val'], ['validate', ':none']],
    ['a command of a command', ['test', ''], ['mcp', ':none']],
    ['a command to get help on', ['help', 'val'], ['validate', ':none']],
    ['nothing after a command that is not there', ['nothing', ''], [':none']],
    ['an option', ['get', 'servers', '--se'], ['--selector', ':none']],
    ['a choice', ['get', 'servers', '-o', 'j'], ['json', ':none']],
    ['a choice after =', ['get', 'servers', '--output=j'], ['--output=json', ':none']],
    ['a choice after the = that bash splits off', ['get', 'servers', '--output', '=', 'j'], ['json', ':none']],
    ['an argument that is a choice', ['completion', 'z'], ['zsh', ':none']],
    ['a kind', ['get', 'serve'], ['server', ':none']],
    ['a name', ['get', 'server', ''], ['memory', 'metrics', ':none']],
    ['a name by a short kind', ['get', 'srv', 'mem'], ['memory', ':none']],
    ['another name', ['get', 'server', 'memory', ''], ['metrics', ':none']],
    ['what is no kind', ['get', 'inst'], ['instances', ':none']],
    ['revisions', ['get', 'rev'], ['revisions', ':none']],
    ['a kind to see the revisions of', ['get', 'revisions', 'serv'], ['server', 'serviceaccount', ':none']],
    ['a name to see the revisions of', ['get', 'revisions', 'server', ''], ['memory', 'metrics', ':none']],
    ['a name of a project to see the revisions of', ['get', 'rev', 'prompt', '-p', 'demo', ''], ['tour', ':none']],
    ['KIND/NAME to see the revisions of', ['get', 'revisions', 'server/mem'], ['server/memory', ':none']],
    ['a revision to describe', ['describe', 'rev'], ['revision', ':none']],
    ['no name for a commit', ['describe', 'revision', ''], [':none']],
    ['KIND/NAME', ['get', 'server/mem'], ['server/memory', ':none']],
    ['a global name', ['get', 'prompt', ''], ['standup', ':none']],
    ['a name of a project', ['get', 'prompt', '-p', 'demo', ''], ['tour', ':none']],
    ['a name of a project, told with =', ['get', 'prompt', '--project=demo', ''], ['tour', ':none']],
    ['a name of any scope', ['get', 'prompt', '--all-scopes', ''], ['standup', 'tour', ':none']],
    ['a project', ['get', 'prompts', '-p', ''], ['demo', 'other', ':none']],
    ['a server to lock', ['lock', ''], ['memory', 'metrics', ':none']],
    ['a server to see the logs of', ['logs', 'mem'], ['memory', ':none']],
    ['what may be asked for', ['why', ''], ['memory', 'metrics', 'standup', 'tour', 'demo', 'other', ':none']],
    ['an environment', ['plan', '--env', ''], ['prod', ':none']],
    ['a kind to explain', ['explain', 'promp'], ['prompt', ':none']],
    ['no name for what is new', ['create', 'server', ''], [':none']],
    ['a template', ['create', 'server', 'x', '--from-template', ''], ['files', ':none']],
    ['an operand after --', ['get', '--', 'server', 'mem'], ['memory', ':none']],
    ['a folder', ['validate', ''], [':dirs']],
    ['a file or an address', ['up', ''], [':files']],
    ['a folder as an option’s value', ['get', '-C', ''], [':dirs']],
    ['nothing for a free value', ['get', 'servers', '--at', ''], [':none']],
    ['nothing for a kind that is not there', ['get', 'nothing', ''], [':none']],
  ])('%s', async (_situation, words, expected) => {
    expect(await complete(...words)).toEqual(expected);
  });

  it('says what each candidate is', async () => {
    const { stdout } = await mcpctl(['__complete', '--', 'validat'], { cwd: repository });
    expect(stdout).toBe('validate\tcheck every file of a repository\n:none\n');
  });

  it('offers every command, and none that is hidden', async () => {
    const words = await complete('');
    expect(words).toContain('help');
    expect(words).not.toContain('__complete');
  });

  it('knows no names outside of a repository', async () => {
    const { stdout } = await mcpctl(['__complete', '--', 'get', 'server', ''], { cwd: folder });
    expect(stdout).toBe(':none\n');
  });

  it('takes the names from the repository that -C names', async () => {
    const { stdout } = await mcpctl(['__complete', '--', 'get', '-C', repository, 'server', 'mem'], { cwd: folder });
    expect(stdout).toBe('memory\n:none\n');
  });
});

function has(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Run a shell with the script loaded. @returns the lines it prints */
function shell(argv: string[], code: string): string[] {
  const [program = '', ...args] = argv;
  const output = execFileSync(program, [...args, code], { cwd: repository, env, encoding: 'utf8' });
  return output.split('\n').filter(line => line !== '');
}

describe('bash', () => {
  const typed = (...words: string[]) => {
    const quoted = ['mcpctl', ...words].map(word => `'${word}'`).join(' ');
    return shell(
      ['bash', '--norc', '--noprofile', '-c'],
      `source ../script.bash; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}
       _mcpctl mcpctl; printf '%s\\n' "\${COMPREPLY[@]}"`,
    );
  };

  it.each([
    ['a command', ['val'], ['validate']],
    ['names', ['get', 'server', ''], ['memory', 'metrics']],
    ['folders', ['validate', 'pro'], ['projects', 'prompts']],
    ['nothing', ['get', 'nothing', ''], []],
  ])('completes %s', (_what, words, expected) => {
    expect(typed(...words).sort()).toEqual(expected);
  });
});

describe.skipIf(!has('zsh'))('zsh', () => {
  it.each([
    ['a command', ['val'], ['validate:check every file of a repository']],
    ['names', ['get', 'server', ''], ['memory', 'metrics']],
    ['folders', ['validate', ''], ['_files -/']],
  ])('completes %s', (_what, words, expected) => {
    const quoted = ['mcpctl', ...words].map(word => `'${word}'`).join(' ');
    // Completion proper needs a terminal; what it would be given is looked at instead.
    const code = `compdef() { :; }; _describe() { print -rl -- "\${(@P)3}" }; _files() { print -r -- "_files $*" }
      source ../script.zsh; words=(${quoted}); CURRENT=${words.length + 1}; _mcpctl`;
    expect(shell(['zsh', '-f', '-c'], code)).toEqual(expected);
  });
});

describe.skipIf(!has('fish'))('fish', () => {
  it.each([
    ['a command', 'val', ['validate\tcheck every file of a repository']],
    ['names', 'get server ', ['memory', 'metrics']],
    ['another name', 'get server memory m', ['metrics']],
    ['folders', 'validate pro', ['projects/', 'prompts/']],
  ])('completes %s', (_what, typed, expected) => {
    const code = `source ../script.fish; complete -C 'mcpctl ${typed}'`;
    expect(shell(['fish', '--no-config', '-c'], code).map(line => line.replace(/\tDirectory$/, ''))).toEqual(expected);
  });
});
