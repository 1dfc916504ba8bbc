import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mcpctl } from '../tests/command-line.ts';
import { type TempRepository, tempRepository } from '../tests/temp-repository.ts';
import { readHelp } from './reference.ts';

/** Commands whose examples change nothing and need no daemon, no network and no client: they are run as they stand. */
const RUN = new Set([
  'validate',
  'plan',
  'get',
  'describe',
  'diff',
  'log',
  'blame',
  'tree',
  'explain',
  'why',
  'version',
  'completion',
]);
/** The others, with the reason. */
const NOT_RUN: Readonly<Record<string, string>> = {
  up: 'runs servers',
  bootstrap: 'needs a cluster',
  status: 'needs a daemon',
  reconcile: 'needs a daemon',
  suspend: 'needs a daemon',
  resume: 'needs a daemon',
  restart: 'needs a daemon',
  logs: 'needs a daemon',
  events: 'needs a daemon',
  test: 'needs an endpoint',
  connect: 'needs a gateway',
  login: 'needs a gateway',
  context: 'changes the machine',
  config: 'changes the machine',
  skills: 'changes the machine',
  import: 'writes',
  export: 'needs a gateway',
  init: 'writes',
  lock: 'writes',
  create: 'writes',
  edit: 'writes',
  restore: 'writes',
  delete: 'writes',
  apply: 'writes',
  propose: 'needs a remote',
  hooks: 'writes',
  review: 'needs a remote',
  trust: 'changes the machine',
  release: 'signs',
  rollback: 'signs',
  verify: 'needs a pinned root',
  doctor: 'depends on the machine',
  uninstall: 'changes the machine',
};

const helps = await readHelp();
const examples = helps.flatMap(({ name, examples }) => {
  const command = name.split(' ')[1] ?? '';
  return RUN.has(command) ? examples.filter(example => !/ (--watch|-w)\b| \| /.test(example)) : [];
});

/** A repository made from the example, with the example itself as a folder in it, a few commits and a proposal. */
let repository: TempRepository;
let home: string;

beforeAll(() => {
  const example = join(import.meta.dirname, '..', 'example-repo');
  repository = tempRepository();
  home = mkdtempSync(join(tmpdir(), 'mcpctl-examples-'));
  cpSync(example, repository.work, { recursive: true });
  cpSync(example, join(repository.work, 'example-repo'), { recursive: true });
  repository.commit({ 'prompts/first.md': '---\n---\nHello' });
  repository.commit({ 'prompts/first.md': null });
  repository.git('branch', 'proposals/new-server');
});
afterAll(() => {
  repository.remove();
  rmSync(home, { recursive: true, force: true });
});

describe('examples in help', () => {
  it.each(examples)('%s', async example => {
    const env = { PATH: process.env.PATH, HOME: home, MCPCTL_HOME: home };
    const { code, stderr } = await mcpctl(argvOf(example), { cwd: repository.work, env });
    expect(code, stderr).toBe(0);
  });

  it('are run, or have a reason not to be', () => {
    const commands = helps.map(({ name }) => name.split(' ')[1] ?? '');
    expect(commands.filter(name => !RUN.has(name) && NOT_RUN[name] === undefined)).toEqual([]);
  });
});

/** The arguments of a command line, as a shell would split it; a comment and a redirection are left out. */
function argvOf(example: string): string[] {
  const text = example.replace(/\s+#.*$/, '').replace(/\s+>.*$/, '');
  return [...text.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(match => match[1] ?? match[2] ?? match[3] ?? '').slice(1);
}
