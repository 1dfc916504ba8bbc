import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { assemble } from './assemble.ts';
import { assembleWith } from './assemble-with.ts';
import { link } from './catalog.ts';
import { environmentsOf, untriedPatches, withOutcome } from './environment.ts';
import { parseFile } from './parse.ts';
import { mergePatch, patchFile } from './patch-file.ts';
import { formatPosition, sortProblems } from './problem.ts';
import type { AnyResource, ParsedFile, Resource } from './resource.ts';
import { selectedServers } from './selection.ts';

/** Path → content, or content and mode. */
type Files = Record<string, string | [content: string, mode: string]>;

function parse(files: Files): ParsedFile[] {
  return Object.entries(files).map(([path, given]) => {
    const [content, mode] = typeof given === 'string' ? [given, '100644'] : given;
    return parseFile({ path, oid: `oid of ${path}`, mode }, Buffer.from(content));
  });
}

function resources(files: readonly ParsedFile[]): AnyResource[] {
  return files.flatMap(({ resource }) => resource ?? []);
}

function found(files: readonly ParsedFile[]): string[] {
  return sortProblems(files.flatMap(({ problems }) => problems)).map(({ code, at }) => `${formatPosition(at)} ${code}`);
}

function skill(files: Files): Resource<'Skill'> {
  const all = assemble(parse(files));
  const one = resources(all).find(({ kind }) => kind === 'Skill');
  if (one?.kind !== 'Skill') throw new Error(found(all).join('\n'));
  return one;
}

const head = (kind: string) => `apiVersion: mcpctl.dev/v1\nkind: ${kind}\n`;
const SKILL = '---\nname: s\ndescription: Does things\n---\n# S\n';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('a skill', () => {
  const files: Files = {
    'skills/data/s/scripts/run.sh': ['#!/bin/sh\n', '100755'],
    'skills/data/s/SKILL.md': SKILL,
    'skills/data/s/.hidden': 'h',
    'skills/data/s/README.md': 'r',
    'skills/data/s/skill.yaml': `${head('Skill')}metadata: { labels: { team: data } }
spec:
  mcpServers: [{ name: pg, fromTemplate: postgres }, { name: other, project: elsewhere }]
  postInstall: scripts/run.sh
  priority: 3
`,
  };

  it('is every file of its folder', () => {
    const { metadata, spec, references, id, file } = skill(files);
    expect({ id, file, metadata }).toEqual({
      id: 'skill/s',
      file: 'skills/data/s/SKILL.md',
      metadata: { labels: { team: 'data' }, annotations: {}, description: 'Does things' },
    });
    expect(spec).toMatchObject({
      frontMatter: { name: 's', description: 'Does things' },
      content: '# S\n',
      profile: 'portable',
      postInstall: 'scripts/run.sh',
      postInstallTimeoutSec: 60,
      priority: 3,
    });
    expect(spec.files.map(({ path, mode, size }) => [path, mode, size])).toEqual([
      ['.hidden', '100644', 1],
      ['README.md', '100644', 1],
      ['SKILL.md', '100644', SKILL.length],
      ['scripts/run.sh', '100755', 10],
      ['skill.yaml', '100644', String(files['skills/data/s/skill.yaml']).length],
    ]);
    expect(spec.files[3]).toMatchObject({ sha256: sha256('#!/bin/sh\n'), oid: 'oid of skills/data/s/scripts/run.sh' });
    const place = { file: 'skills/data/s/skill.yaml', line: 5, column: 24 };
    expect(references).toEqual([{ kind: 'Server', name: 'pg', ...place }]);
  });

  it('is the same whatever the order of its files, and assembled twice', () => {
    const parsed = parse(files);
    const once = assemble(parsed);
    expect(assemble([...parsed].reverse())).toEqual(once);
    expect(assemble(once)).toEqual(once);
  });

  it.each<[string, Files]>([
    ['a byte', { 'skills/data/s/README.md': 'R' }],
    ['a mode', { 'skills/data/s/README.md': ['r', '100755'] }],
    ['a file', { 'skills/data/s/more.md': 'm' }],
    ['a line ending', { 'skills/data/s/SKILL.md': SKILL.replaceAll('\n', '\r\n') }],
  ])('has another digest with another %s', (_what, change) => {
    expect(skill({ ...files, ...change }).digest).not.toBe(skill(files).digest);
  });

  it('has the digest of its content, wherever it stands', () => {
    const moved = Object.fromEntries(Object.entries(files).map(([path, given]) => [path.replace('data/', ''), given]));
    expect(skill(moved).digest).toBe(skill(files).digest);
  });

  it.each<[string, string, string, string[]]>([
    ['the six keys', 'license: MIT\ncompatibility: any\nmetadata: { a: b }\nallowed-tools: Read Grep', '', []],
    ['a key of Claude Code', 'model: x', '', ['skills/s/SKILL.md:4:1 FIELD_UNKNOWN']],
    ['a key of Claude Code, in its profile', 'model: x\nallowed-tools: [Read]', 'profile: claude-code', []],
    ['a list of tools', 'allowed-tools: [Read]', '', ['skills/s/SKILL.md:4:16 FIELD_INVALID']],
    ['a key of nobody', 'modle: x', 'profile: claude-code', ['skills/s/SKILL.md:4:1 FIELD_UNKNOWN']],
    ['an unknown profile', 'model: x', 'profile: codex', ['skills/s/skill.yaml:4:12 FIELD_INVALID']],
  ])('front matter with %s', (_what, line, spec, expected) => {
    const extras = `${head('Skill')}spec:\n  ${spec || '{}'}\n`;
    const md = SKILL.replace('\n---\n#', `\n${line}\n---\n#`);
    expect(found(assemble(parse({ 'skills/s/SKILL.md': md, 'skills/s/skill.yaml': extras })))).toEqual(expected);
  });

  it('needs neither name nor description in the profile of Claude Code', () => {
    const extras = `${head('Skill')}spec: { profile: claude-code }\n`;
    expect(skill({ 'skills/s/SKILL.md': '---\n---\nText', 'skills/s/skill.yaml': extras }).spec.frontMatter).toEqual(
      {},
    );
  });

  it('is broken by any of its files, and then only it', () => {
    const broken = assemble(
      parse({ ...files, 'skills/data/s/link': ['/etc', '120000'], 'skills/t/SKILL.md': SKILL.replace('s', 't') }),
    );
    expect(resources(broken).map(({ id }) => id)).toEqual(['skill/t']);
    expect(broken.find(({ path }) => path === 'skills/data/s/link')).toMatchObject({
      id: 'skill/s',
      problems: [{ code: 'FILE_NOT_REGULAR', resource: 'skill/s' }],
    });
  });
});

describe('what a project has', () => {
  const server = `${head('Server')}metadata: { labels: { team: data, tier: "1" } }\nspec: { transport: stdio, command: [a] }\n`;
  const plain = `${head('Server')}spec: { transport: stdio, command: [a] }\n`;
  const needs = (server_: string) => `${head('Skill')}spec: { mcpServers: [${server_}] }\n`;
  const base: Files = {
    'mcpctl.yaml': `${head('Repository')}spec: { id: test }\n`,
    'servers/one.yaml': server,
    'servers/two.yaml': plain,
    'servers/three.yaml': plain,
    'projects/p/skills/s/SKILL.md': SKILL,
  };
  it.each<[string, string, string, string[]]>([
    ['by name', 'servers: [two]', '', ['two']],
    ['by label', 'selector: { servers: { matchLabels: { team: data } } }', '', ['one']],
    ['by several labels', 'selector: { servers: { matchLabels: { team: data, tier: "2" } } }', '', []],
    ['everything', 'selector: { servers: {} }', '', ['one', 'three', 'two']],
    [
      'by expression',
      'selector: { servers: { matchExpressions: [{ key: team, operator: DoesNotExist }] } }',
      '',
      ['three', 'two'],
    ],
    ['In', 'selector: { servers: { matchExpressions: [{ key: tier, operator: In, values: ["1"] }] } }', '', ['one']],
    [
      'NotIn',
      'selector: { servers: { matchExpressions: [{ key: tier, operator: NotIn, values: ["1"] }] } }',
      '',
      ['three', 'two'],
    ],
    ['Exists', 'selector: { servers: { matchExpressions: [{ key: tier, operator: Exists }] } }', '', ['one']],
    ['with its skills', 'servers: [two]', '{ name: three }', ['three', 'two']],
    ['with its skills, for it alone', '{}', '{ name: three, project: p }', ['three']],
    ['with its skills, for another', '{}', '{ name: three, project: q }', []],
    ['with its skills, for another, missing', '{}', '{ name: none, project: q }', []],
  ])('servers %s', (_what, spec, mcpServers, expected) => {
    const text = spec === '{}' ? 'spec: {}\n' : `spec: { ${spec} }\n`;
    const files = {
      ...base,
      'projects/p/project.yaml': head('Project') + text,
      'projects/p/skills/s/skill.yaml': needs(mcpServers),
    };
    const { catalog, problems } = link(resources(assemble(parse(files))));
    const project = catalog.list('Project')[0];
    if (!project) throw new Error('no project');
    expect(selectedServers(catalog, project)).toEqual(expected);
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  it.each([
    ['for every project', '{ name: pg, fromTemplate: postgres }', '3:30'],
    ['for this one', '{ name: pg, fromTemplate: postgres, project: p }', '1:1'],
  ])('a server that a skill needs %s and that is not there names its template', (_what, server_, place) => {
    const files = {
      ...base,
      'projects/p/project.yaml': `${head('Project')}spec: {}\n`,
      'projects/p/skills/s/skill.yaml': needs(server_),
    };
    const errors = link(resources(assemble(parse(files)))).problems.filter(({ severity }) => severity === 'error');
    expect(errors).toMatchObject([
      {
        code: 'REFERENCE_UNRESOLVED',
        resource: 'project/p/skill/s',
        hint: 'mcpctl create server pg --from-template postgres',
      },
    ]);
    expect(formatPosition(errors[0]?.at)).toMatch(new RegExp(`:${place}$`));
  });
});

describe('mergePatch', () => {
  // The examples of RFC 7386, appendix A.
  it.each<[unknown, unknown, unknown]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });
});

describe('environments', () => {
  const base: Files = {
    'mcpctl.yaml': `${head('Repository')}spec: { id: test }\n`,
    'servers/order/a.yaml': `${head('Server')}spec:\n  transport: stdio\n  command: [a]\n  replicas: 2\n  env:\n    - { name: A, valueFrom: { secretRef: { name: s, key: k } } }\n`,
    'secrets/s.yaml': `${head('Secret')}spec: { data: { k: { generate: {} } } }\n`,
    'prompts/p.md': '---\ndescription: D\narguments: [{ name: x }]\n---\nText {{x}}\n',
    'skills/s/SKILL.md': SKILL,
    'skills/s/skill.yaml': `${head('Skill')}spec: { priority: 3 }\n`,
  };
  const at = (files: Files, environment?: string) => assemble(parse({ ...base, ...files }), environment);
  const one = (files: readonly ParsedFile[], id: string) => resources(files).find(resource => resource.id === id);

  it('change what they name, and nothing without their name', () => {
    const files = { 'environments/prod/servers/a.yaml': 'spec:\n  replicas: 5\n  env: null\n' };
    expect(one(at(files), 'server/a')?.spec).toMatchObject({ replicas: 2 });
    const patched = one(at(files, 'prod'), 'server/a');
    expect(patched).toMatchObject({
      spec: { replicas: 5, env: [], command: ['a'] },
      references: [],
      file: 'servers/order/a.yaml',
    });
    expect(patched?.digest).not.toBe(one(at(files), 'server/a')?.digest);
    expect(environmentsOf(at(files))).toEqual(['prod']);
  });

  it('keep the places of what they leave', () => {
    const patched = one(at({ 'environments/prod/servers/a.yaml': 'spec: { replicas: 5 }\n' }, 'prod'), 'server/a');
    expect(patched?.references).toEqual([{ kind: 'Secret', name: 's', key: 'k', line: 8, column: 50 }]);
  });

  it('give references the places in the patch', () => {
    const env = 'spec:\n  env:\n    - { name: A, valueFrom: { secretRef: { name: t, key: k } } }\n';
    const patched = one(at({ 'environments/prod/servers/a.yaml': env }, 'prod'), 'server/a');
    const file = 'environments/prod/servers/a.yaml';
    expect(patched?.references).toEqual([{ kind: 'Secret', name: 't', key: 'k', file, line: 3, column: 50 }]);
  });

  it('change a prompt’s front matter, and its text where they have one', () => {
    const facts = at({ 'environments/prod/prompts/p.md': '---\ndescription: E\n---\n' }, 'prod');
    expect(one(facts, 'prompt/p')?.spec).toMatchObject({ description: 'E', content: 'Text {{x}}\n' });
    const text = at({ 'environments/prod/prompts/p.md': '---\n---\nOther {{x}}\n' }, 'prod');
    expect(one(text, 'prompt/p')?.spec).toMatchObject({ description: 'D', content: 'Other {{x}}\n' });
  });

  it('change a skill, and its digest', () => {
    const files = { 'environments/prod/skills/s/skill.yaml': 'spec: { priority: 9 }\n' };
    expect(one(at(files, 'prod'), 'skill/s')?.spec).toMatchObject({ priority: 9 });
    expect(one(at(files, 'prod'), 'skill/s')?.digest).not.toBe(one(at({}), 'skill/s')?.digest);
    const front = at({ 'environments/prod/skills/s/SKILL.md': '---\ndescription: E\n---\n' }, 'prod');
    expect(one(front, 'skill/s')).toMatchObject({ metadata: { description: 'E' }, spec: { content: '# S\n' } });
  });

  it('are the same applied twice', () => {
    const patches = {
      'environments/prod/servers/a.yaml': 'spec: { replicas: 5 }\n',
      'environments/prod/skills/s/skill.yaml': 'spec: { priority: 9 }\n',
    };
    const once = at(patches, 'prod');
    expect(assemble(once, 'prod')).toEqual(once);
  });

  it.each<[string, string, string, string | undefined, string[]]>([
    ['a patch for nothing', 'servers/b.yaml', 'spec: {}', undefined, ['servers/b.yaml:1:1 PATCH_UNMATCHED']],
    [
      'a value that is not valid',
      'servers/a.yaml',
      'spec:\n  replicas: x\n',
      'prod',
      ['servers/a.yaml:2:13 FIELD_INVALID'],
    ],
    [
      'the same, of an environment that is not chosen',
      'servers/a.yaml',
      'spec:\n  replicas: x\n',
      undefined,
      ['servers/a.yaml:2:13 FIELD_INVALID'],
    ],
    [
      'a field that is not known',
      'servers/a.yaml',
      'spec:\n  replica: 1\n',
      'prod',
      ['servers/a.yaml:2:3 FIELD_UNKNOWN'],
    ],
    [
      'what is then missing',
      'servers/a.yaml',
      'spec: { transport: null }\n',
      'prod',
      ['servers/a.yaml:1:20 FIELD_MISSING'],
    ],
    [
      'what does not go together',
      'servers/a.yaml',
      'spec: { url: "https://example.org" }\n',
      'prod',
      ['servers/a.yaml:1:7 FIELD_INVALID', 'servers/a.yaml:1:7 FIELD_INVALID', 'servers/a.yaml:1:14 FIELD_INVALID'],
    ],
    ['what is no mapping', 'servers/a.yaml', '[1]\n', 'prod', ['servers/a.yaml:1:1 FIELD_INVALID']],
    ['another name', 'servers/a.yaml', 'metadata: { name: b }\n', 'prod', ['servers/a.yaml:1:19 IDENTITY_MISMATCH']],
    [
      'a patch for a skill.yaml that is not there',
      'skills/t/skill.yaml',
      'spec: {}\n',
      'prod',
      ['skills/t/skill.yaml:1:1 PATCH_UNMATCHED'],
    ],
  ])('%s', (_what, path, patch, environment, expected) => {
    const files = at({ [`environments/prod/${path}`]: patch }, environment);
    expect(found(files).map(text => text.replace('environments/prod/', ''))).toEqual(expected);
    const isBroken = files.find(({ id }) => id === 'server/a')?.resource === undefined;
    expect(isBroken).toBe(environment === 'prod' && expected.some(text => text.startsWith('servers/a.yaml:')));
  });

  describe('what a patch makes of its file', () => {
    const wrong = { 'environments/prod/servers/a.yaml': 'spec:\n  replicas: x\n' };
    const tried = (files: Files) => {
      const parsed = parse({ ...base, ...files });
      const pairs = new Map(untriedPatches(parsed).map(pair => [pair.file, withOutcome(pair, patchFile)]));
      return { parsed, tried: parsed.map(file => pairs.get(file) ?? file), count: pairs.size };
    };
    const never = () => {
      throw new Error('merged although the outcome is known');
    };

    it('is found out once, and is the same from then on', () => {
      const {
        parsed,
        tried: known,
        count,
      } = tried({ ...wrong, 'environments/prod/skills/s/skill.yaml': 'spec: {}\n' });
      expect(count).toBe(2);
      expect(untriedPatches(known)).toEqual([]);
      expect(assembleWith(never, known, undefined)).toEqual(assemble(parsed));
      expect(assemble(known, 'prod')).toEqual(assemble(parsed, 'prod'));
      expect(found(assembleWith(never, known, undefined))).toEqual([
        'environments/prod/servers/a.yaml:2:13 FIELD_INVALID',
      ]);
    });

    it('is found out again once the file is another', () => {
      const { tried: known } = tried(wrong);
      const after = known.map(file => (file.path === 'servers/order/a.yaml' ? { ...file, oid: 'other' } : file));
      expect(untriedPatches(after).map(({ file }) => file.path)).toEqual(['environments/prod/servers/a.yaml']);
      expect(() => assembleWith(never, after, undefined)).toThrow('merged although');
    });

    it('does not count over a file that is broken in the meantime', () => {
      const { parsed, tried: known } = tried({ ...wrong, 'servers/ORDER/b.yaml': '' });
      expect(assembleWith(never, known, undefined)).toEqual(assemble(parsed));
    });
  });

  it('are those of mcpctl.yaml, where it lists them', () => {
    const listed = { 'mcpctl.yaml': `${head('Repository')}spec: { id: test, environments: [prod, staging] }\n` };
    expect(found(at({ ...listed, 'environments/pord/servers/a.yaml': 'spec: {}\n' }))).toEqual([
      'environments/pord/servers/a.yaml ENVIRONMENT_UNKNOWN',
    ]);
    expect(found(at(listed, 'staging'))).toEqual([]);
    expect(found(at(listed, 'other'))).toEqual(['environments ENVIRONMENT_UNKNOWN']);
  });
});

describe('names that are the same on some disks', () => {
  it.each<[string, string[], string[]]>([
    ['by case', ['skills/s/A.txt', 'skills/s/a.txt'], ['skills/s/a.txt']],
    ['by Unicode form', ['skills/s/\u00e9', 'skills/s/e\u0301'], ['skills/s/\u00e9']],
    ['by a folder', ['servers/Order/a.yaml', 'servers/order/b.yaml'], ['servers/order/b.yaml']],
    ['not at all', ['skills/s/a.txt', 'skills/s/b.txt'], []],
  ])('%s', (_what, paths, expected) => {
    const text = (path: string) =>
      path.startsWith('servers') ? `${head('Server')}spec: { transport: stdio, command: [a] }\n` : 'x';
    const files = Object.fromEntries(paths.map(path => [path, text(path)]));
    const collided = assemble(parse({ 'skills/s/SKILL.md': SKILL, ...files }))
      .filter(({ problems }) => problems.some(({ code }) => code === 'PATH_COLLISION'))
      .map(({ path }) => path);
    expect(collided).toEqual(expected);
  });
});
