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
    ['templates/a.yaml', 'template/a', 'Template', 'a'],
    ['skills/x/SKILL.md', 'skill/x', 'Skill', 'x'],
    ['skills/data/x/SKILL.md', 'skill/x', 'Skill', 'x'],
    ['projects/demo/skills/x/SKILL.md', 'project/demo/skill/x', 'Skill', 'x'],
    ['projects/demo/skills/prompts/SKILL.md', 'project/demo/skill/prompts', 'Skill', 'prompts'],
    ['agents/x/agent.yaml', 'agent/x', 'Agent', 'x'],
    ['agents/team/x/agent.yaml', 'agent/x', 'Agent', 'x'],
    ['agents/x/prompts/p.md', 'agent/x/prompt/p', 'Prompt', 'p'],
    ['agents/x/personalities/calm.md', 'agent/x/personality/calm', 'Personality', 'calm'],
    ['llms/x.yaml', 'llm/x', 'Llm', 'x'],
    ['secretbackends/x.yaml', 'secretbackend/x', 'SecretBackend', 'x'],
    ['access/users/x.yaml', 'user/x', 'User', 'x'],
    ['access/users/team/x.yaml', 'user/x', 'User', 'x'],
    ['access/groups/x.yaml', 'group/x', 'Group', 'x'],
    ['access/serviceaccounts/x.yaml', 'serviceaccount/x', 'ServiceAccount', 'x'],
    ['access/bindings/x.yaml', 'rolebinding/x', 'RoleBinding', 'x'],
    ['access/tokens/x.yaml', 'mcptoken/x', 'McpToken', 'x'],
  ])('%s', (path, id, resourceKind, name) => {
    const scope = /^(?:project|agent)\/[^/]+(?=\/)/.exec(id)?.[0] ?? 'global';
    expect(classify(path)).toEqual({ kind: 'resource', resourceKind, scope, name, id });
  });
});

describe('classify: what is part of something else', () => {
  it.each([
    ['skills/x/run.sh', 'global', 'x', 'run.sh'],
    ['skills/x/README.md', 'global', 'x', 'README.md'],
    ['skills/x/.config/a', 'global', '.config', 'a'],
    ['skills/x/skill.yaml', 'global', 'x', 'skill.yaml'],
    ['skills/data/x/assets/prompts/a.md', 'global', 'prompts', 'a.md'],
    ['projects/demo/skills/x/a.txt', 'project/demo', 'x', 'a.txt'],
  ])('%s is a part', (path, scope, name, file) => {
    expect(classify(path)).toEqual({ kind: 'part', scope, name, file });
  });

  it.each([
    ['environments/prod/servers/x.yaml', 'server/x', false],
    ['environments/prod/mcpctl.yaml', 'repository/repository', false],
    ['environments/prod/projects/demo/prompts/x.md', 'project/demo/prompt/x', false],
    ['environments/prod/skills/x/SKILL.md', 'skill/x', false],
    ['environments/prod/skills/x/skill.yaml', 'skill/x', true],
  ])('%s is a patch', (path, id, extras) => {
    expect(classify(path)).toMatchObject({ kind: 'patch', environment: 'prod', target: { id }, extras });
  });
});

describe('classify: the root of trust', () => {
  it('is a file for each version', () => {
    expect(classify('trust/root/12.json')).toEqual({ kind: 'root', version: 12 });
  });

  it.each(['trust/root/0.json', 'trust/root/01.json', 'trust/root/x.json', 'trust/other.json', 'trust/root/1/2.json'])(
    'not %s',
    path => {
      expect(classify(path).kind).toBe('unknown');
    },
  );
});

describe('classify: what belongs to a later version', () => {
  it.each([
    ['locks/servers/x/surface.json', 'locks/servers/*'],
    ['locks/servers/x/more/package-lock.json', 'locks/servers/*'],
  ])('%s', (path, folder) => {
    expect(classify(path)).toEqual({ kind: 'later', folder });
  });

  it('gives one problem per folder, however many files it has', () => {
    const paths = ['locks/servers/x/surface.json', 'locks/servers/y/surface.json'];
    const problems = sortProblems(paths.flatMap(path => layoutProblem(classify(path)) ?? []));
    expect(problems.map(({ code, severity, at }) => [code, severity, at])).toEqual([
      ['KIND_NOT_ACTED_ON', 'warning', { file: 'locks/servers/*' }],
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
    'personalities/x.md',
    'skills/README.md',
    'skills/x/.git/config',
    'environments/prod/README.md',
    '',
    '/',
    '//servers/x.yaml',
  ])('%s', path => {
    expect(classify(path)).toEqual({ kind: 'ignored' });
  });
});

describe('classify: what cannot be', () => {
  it.each([
    ['templates', 'FILE_UNKNOWN', 'warning'],
    ['access/x.yaml', 'FILE_UNKNOWN', 'warning'],
    ['access/roles/x.yaml', 'FILE_UNKNOWN', 'warning'],
    ['skills/SKILL.md', 'FILE_UNKNOWN', 'warning'],
    ['agents/x/notes.txt', 'FILE_UNKNOWN', 'warning'],
    ['agents/x/skills/y/SKILL.md', 'FILE_UNKNOWN', 'warning'],
    ['environments/prod', 'FILE_UNKNOWN', 'warning'],
    ['environments/prod/notes.txt', 'FILE_UNKNOWN', 'warning'],
    ['environments/prod/servers/x.yml', 'FILE_EXTENSION', 'error'],
    ['environments/prod/skills/x/run.sh', 'FILE_UNKNOWN', 'warning'],
    ['environments/prod/locks/servers/x/package-lock.json', 'FILE_UNKNOWN', 'warning'],
    ['environments/PROD/servers/x.yaml', 'NAME_INVALID', 'error'],
    ['projects/demo/agents/x/prompts/p.md', 'SCOPE_CONFLICT', 'error'],
    ['agents/x/projects/demo/prompts/p.md', 'SCOPE_CONFLICT', 'error'],
    ['agents/Bot/prompts/p.md', 'NAME_INVALID', 'error'],
    ['skills/Foo/SKILL.md', 'NAME_INVALID', 'error'],
    ['mcpctl.yml', 'FILE_UNKNOWN', 'warning'],
    ['servers/x.yml', 'FILE_EXTENSION', 'error'],
    ['servers/x.YAML', 'FILE_EXTENSION', 'error'],
    ['Servers/x.yaml', 'FILE_UNKNOWN', 'warning'],
    ['projects/demo/project.yml', 'FILE_EXTENSION', 'error'],
    ['servers/notes.txt', 'FILE_UNKNOWN', 'warning'],
    ['servers', 'FILE_UNKNOWN', 'warning'],
    ['prompts/x.yaml', 'FILE_UNKNOWN', 'warning'],
    ['prompts/x.markdown', 'FILE_EXTENSION', 'error'],
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
