import { describe, expect, it } from 'vitest';
import { classify, layoutProblem } from './layout.ts';
import { sortProblems } from './problem.ts';

const long = 'a'.repeat(25);

describe('classify: what declares a resource', () => {
  it.each([
    ['mcpctl.yaml', 'repository/repository', 'Repository', 'repository'],
    ['servers/everything.yaml', 'server/everything', 'Server', 'everything'],
    ['servers/data/eu/pg.yaml', 'server/pg', 'Server', 'pg'],
    [`servers/${'a'.repeat(24)}.yaml`, `server/${'a'.repeat(24)}`, 'Server', 'a'.repeat(24)],
    ['prompts/hello.md', 'prompt/hello', 'Prompt', 'hello'],
    [`prompts/order/${long}.md`, `prompt/${long}`, 'Prompt', long],
    ['prompts/readme.md', 'prompt/readme', 'Prompt', 'readme'],
    ['secrets/tokens.yaml', 'secret/tokens', 'Secret', 'tokens'],
    ['projects/demo/project.yaml', 'project/demo', 'Project', 'demo'],
    ['projects/team/demo/project.yaml', 'project/demo', 'Project', 'demo'],
    ['projects/prompts/project.yaml', 'project/prompts', 'Project', 'prompts'],
    ['projects/demo/prompts/greet.md', 'project/demo/prompt/greet', 'Prompt', 'greet'],
    ['projects/team/demo/prompts/order/greet.md', 'project/demo/prompt/greet', 'Prompt', 'greet'],
    ['locks/servers/everything/package-lock.json', 'lock/everything', 'Lock', 'everything'],
  ])('%s', (path, id, resourceKind, name) => {
    const scope = id.startsWith('project/demo/') ? 'project/demo' : 'global';
    expect(classify(path)).toEqual({ kind: 'resource', resourceKind, scope, name, id });
  });
});

describe('classify: what belongs to a later version', () => {
  it.each([
    ['templates/a.yaml', 'templates'],
    ['skills/x/SKILL.md', 'skills'],
    ['agents/x/agent.yaml', 'agents'],
    ['llms/x.yaml', 'llms'],
    ['secretbackends/x.yaml', 'secretbackends'],
    ['access/users/x.yaml', 'access'],
    ['environments/prod/servers/x.yaml', 'environments'],
    ['trust/root/1.json', 'trust'],
    ['projects/demo/skills/x/SKILL.md', 'projects/*/skills'],
    ['locks/servers/x/surface.json', 'locks/servers/*'],
    ['locks/servers/x/more/package-lock.json', 'locks/servers/*'],
  ])('%s', (path, folder) => {
    expect(classify(path)).toEqual({ kind: 'later', folder });
  });

  it('gives one problem per folder, however many files it has', () => {
    const paths = ['skills/a/SKILL.md', 'skills/b/SKILL.md', 'access/users/x.yaml', 'skills/b/more.md'];
    const problems = sortProblems(paths.flatMap(path => layoutProblem(classify(path)) ?? []));
    expect(problems.map(({ code, severity, at }) => [code, severity, at])).toEqual([
      ['KIND_NOT_ACTED_ON', 'warning', { file: 'access' }],
      ['KIND_NOT_ACTED_ON', 'warning', { file: 'skills' }],
    ]);
  });
});

describe('classify: what is not ours, or harmless', () => {
  it.each([
    'README.md',
    'src/servers/x.yaml',
    'servers/README.md',
    'projects/demo/README.md',
    'servers/.gitkeep',
    'servers/.cache/x.yaml',
    '.github/workflows/ci.yaml',
    'skills/.gitkeep',
    'package.json',
    'templates',
    '',
    '/',
    '//servers/x.yaml',
  ])('%s', path => {
    expect(classify(path)).toEqual({ kind: 'ignored' });
  });
});

describe('classify: what cannot be', () => {
  it.each([
    ['mcpctl.yml', 'FILE_UNKNOWN', 'warning'],
    ['servers/x.yml', 'FILE_UNKNOWN', 'warning'],
    ['servers/x.YAML', 'FILE_UNKNOWN', 'warning'],
    ['servers/notes.txt', 'FILE_UNKNOWN', 'warning'],
    ['servers', 'FILE_UNKNOWN', 'warning'],
    ['prompts/x.yaml', 'FILE_UNKNOWN', 'warning'],
    ['prompts/x.markdown', 'FILE_UNKNOWN', 'warning'],
    ['secrets/x.json', 'FILE_UNKNOWN', 'warning'],
    ['projects/x.yaml', 'FILE_UNKNOWN', 'warning'],
    ['projects/project.yaml', 'FILE_UNKNOWN', 'warning'],
    ['projects/demo/notes.txt', 'FILE_UNKNOWN', 'warning'],
    ['projects/demo/prompts/x.yaml', 'FILE_UNKNOWN', 'warning'],
    ['projects/demo/prompts', 'FILE_UNKNOWN', 'warning'],
    ['locks/x.json', 'FILE_UNKNOWN', 'warning'],
    ['locks/servers/package-lock.json', 'FILE_UNKNOWN', 'warning'],
    ['servers/Foo.yaml', 'NAME_INVALID', 'error'],
    ['servers/foo.bar.yaml', 'NAME_INVALID', 'error'],
    ['servers/-a.yaml', 'NAME_INVALID', 'error'],
    ['servers/a-.yaml', 'NAME_INVALID', 'error'],
    ['servers/a_b.yaml', 'NAME_INVALID', 'error'],
    ['servers/caf\u00e9.yaml', 'NAME_INVALID', 'error'],
    [`servers/${long}.yaml`, 'NAME_INVALID', 'error'],
    [`projects/${long}/project.yaml`, 'NAME_INVALID', 'error'],
    ['projects/Demo/prompts/x.md', 'NAME_INVALID', 'error'],
    [`prompts/${'a'.repeat(64)}.md`, 'NAME_INVALID', 'error'],
    ['locks/servers/UP/package-lock.json', 'NAME_INVALID', 'error'],
  ])('%s', (path, code, severity) => {
    const found = classify(path);
    expect(found).toMatchObject({ kind: 'unknown', problem: { code, severity, at: { file: path } } });
  });
});
