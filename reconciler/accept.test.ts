import { describe, expect, it } from 'vitest';
import { assemble, type ParsedFile, parseFile } from '../schema/index.ts';
import { type Accepted, accept, type Good } from './accept.ts';

/** A commit as a table of files; `undefined` removes one of the base files. */
type Files = Record<string, string | undefined>;

const server = (extra = '') => `apiVersion: mcpctl.dev/v1
kind: Server
metadata: {}
spec:
  transport: stdio
  command: [run]
${extra}`;
const project = (...servers: string[]) => `apiVersion: mcpctl.dev/v1
kind: Project
metadata: {}
spec:
  servers: [${servers.join(', ')}]
`;
const npmServer = (version: string) => `apiVersion: mcpctl.dev/v1
kind: Server
metadata: {}
spec:
  transport: stdio
  package: {registry: npm, identifier: thing, version: ${version}}
`;
const lock = (version: string) =>
  JSON.stringify({
    lockfileVersion: 3,
    packages: {
      '': { dependencies: { thing: version } },
      'node_modules/thing': { version, integrity: `sha512-${'A'.repeat(86)}==` },
    },
  });
const repository = 'apiVersion: mcpctl.dev/v1\nkind: Repository\nmetadata: {}\nspec: {id: test}\n';
const secret = (key: string) => `apiVersion: mcpctl.dev/v1
kind: Secret
metadata: {}
spec: {data: {${key}: {generate: {}}}}
`;
const wantsSecret = server('  env: [{name: TOKEN, valueFrom: {secretRef: {name: token, key: value}}}]\n');

const base: Files = {
  'mcpctl.yaml': repository,
  'servers/one.yaml': server(),
  'servers/two.yaml': server(),
  'projects/demo/project.yaml': project('one', 'two'),
};

const skillFile = (spec: string) => `apiVersion: mcpctl.dev/v1\nkind: Skill\nspec: { ${spec} }\n`;
const skill: Files = {
  'skills/s/SKILL.md': '---\nname: s\ndescription: Does things\n---\nText\n',
  'skills/s/run.sh': 'one',
  'skills/s/skill.yaml': skillFile('postInstall: run.sh'),
};

function parse(files: Files): ParsedFile[] {
  return Object.entries(files).flatMap(([path, text], index) =>
    text === undefined
      ? []
      : [parseFile({ path, oid: `${index}`.padStart(40, '0'), mode: '100644' }, Buffer.from(text))],
  );
}

function take(files: Files, good: ReadonlyMap<string, Good>, commit: string): Accepted {
  const outcome = accept(assemble(parse(files)), good, commit);
  if ('refused' in outcome) throw new Error(`refused: ${JSON.stringify(outcome.refused)}`);
  return outcome;
}

/** What is in service after `first` and then `second`: `id@commit`, and what is stalled. */
function after(first: Files, second: Files): { service: string[]; stalled: string[] } {
  const before = take({ ...base, ...first }, new Map(), 'A');
  expect([...before.stalled.keys()]).toEqual([]);
  const { catalog, good, stalled } = take({ ...base, ...first, ...second }, before.good, 'B');
  expect([...good.keys()].sort()).toEqual([...catalog.resources.keys()].sort());
  const service = [...good].map(([id, { commit }]) => `${id}@${commit}`).filter(text => !text.startsWith('repository'));
  return { service: service.sort(), stalled: [...stalled.keys()].sort() };
}

it.each<[string, Files, Files, string[], string[]]>([
  ['nothing changed', {}, {}, ['project/demo@A', 'server/one@A', 'server/two@A'], []],
  [
    'one server changed: it alone is newer',
    {},
    { 'servers/one.yaml': server('  replicas: 2\n') },
    ['project/demo@A', 'server/one@B', 'server/two@A'],
    [],
  ],
  [
    'one server broken, the other changed: the broken one stays as it was',
    {},
    { 'servers/one.yaml': server('  bogus: 1\n'), 'servers/two.yaml': server('  replicas: 2\n') },
    ['project/demo@A', 'server/one@A', 'server/two@B'],
    ['server/one'],
  ],
  [
    'a new server that is broken: it is not there, and nobody else minds',
    {},
    { 'servers/three.yaml': 'nonsense: [' },
    ['project/demo@A', 'server/one@A', 'server/two@A'],
    ['server/three'],
  ],
  [
    'a project that takes in a broken new server: both stay as they were',
    {},
    { 'servers/three.yaml': 'nonsense: [', 'projects/demo/project.yaml': project('one', 'three') },
    ['project/demo@A', 'server/one@A', 'server/two@A'],
    ['project/demo', 'server/three'],
  ],
  [
    'a project that names a server which does not exist: it stays as it was',
    {},
    { 'projects/demo/project.yaml': project('one', 'nobody') },
    ['project/demo@A', 'server/one@A', 'server/two@A'],
    ['project/demo'],
  ],
  [
    'a server removed that a project still needs: it stays',
    {},
    { 'servers/two.yaml': undefined },
    ['project/demo@A', 'server/one@A', 'server/two@A'],
    ['server/two'],
  ],
  [
    'a server removed that a project still needs: it stays, with its lock',
    { 'servers/two.yaml': npmServer('1.0.0'), 'locks/servers/two/package-lock.json': lock('1.0.0') },
    { 'servers/two.yaml': undefined, 'locks/servers/two/package-lock.json': undefined },
    ['lock/two@A', 'project/demo@A', 'server/one@A', 'server/two@A'],
    ['server/two'],
  ],
  [
    'a server removed that a project still needs: the change of its neighbour goes ahead',
    {},
    { 'servers/two.yaml': undefined, 'servers/one.yaml': server('  replicas: 2\n') },
    ['project/demo@A', 'server/one@B', 'server/two@A'],
    ['server/two'],
  ],
  [
    'a project removed without its prompts: it stays',
    { 'projects/demo/prompts/own.md': '---\n---\nHello.\n' },
    { 'projects/demo/project.yaml': undefined },
    ['project/demo/prompt/own@A', 'project/demo@A', 'server/one@A', 'server/two@A'],
    ['project/demo'],
  ],
  [
    'a server removed together with the reference: gone',
    {},
    { 'servers/two.yaml': undefined, 'projects/demo/project.yaml': project('one') },
    ['project/demo@B', 'server/one@A'],
    [],
  ],
  [
    'a server removed, and the project that dropped it broken: both stay',
    {},
    { 'servers/two.yaml': undefined, 'projects/demo/project.yaml': 'kind: [' },
    ['project/demo@A', 'server/one@A', 'server/two@A'],
    ['project/demo', 'server/two'],
  ],
  [
    'a Secret loses the key that a server uses: the Secret stays as it was',
    { 'secrets/token.yaml': secret('value'), 'servers/one.yaml': wantsSecret },
    { 'secrets/token.yaml': secret('other') },
    ['project/demo@A', 'secret/token@A', 'server/one@A', 'server/two@A'],
    ['secret/token'],
  ],
  [
    'a new version without a new lock: server and lock stay as they were',
    { 'servers/one.yaml': npmServer('1.0.0'), 'locks/servers/one/package-lock.json': lock('1.0.0') },
    { 'servers/one.yaml': npmServer('2.0.0') },
    ['lock/one@A', 'project/demo@A', 'server/one@A', 'server/two@A'],
    ['server/one'],
  ],
  [
    'a new lock without a new version: server and lock stay as they were',
    { 'servers/one.yaml': npmServer('1.0.0'), 'locks/servers/one/package-lock.json': lock('1.0.0') },
    { 'locks/servers/one/package-lock.json': lock('2.0.0') },
    ['lock/one@A', 'project/demo@A', 'server/one@A', 'server/two@A'],
    ['server/one'],
  ],
  [
    'a new version with a broken lock: not run without a lock',
    { 'servers/one.yaml': npmServer('1.0.0') },
    { 'servers/one.yaml': npmServer('2.0.0'), 'locks/servers/one/package-lock.json': '{}' },
    ['project/demo@A', 'server/one@A', 'server/two@A'],
    ['lock/one', 'server/one'],
  ],
  [
    'declared twice: stays as it was',
    {},
    { 'servers/more/one.yaml': server('  replicas: 3\n') },
    ['project/demo@A', 'server/one@A', 'server/two@A'],
    ['server/one'],
  ],
  [
    'one file of a skill changed: the skill is newer',
    skill,
    { 'skills/s/run.sh': 'other' },
    ['project/demo@A', 'server/one@A', 'server/two@A', 'skill/s@B'],
    [],
  ],
  [
    'one file of a skill broken: all of the skill stays as it was',
    skill,
    { 'skills/s/run.sh': 'other', 'skills/s/skill.yaml': 'spec: [' },
    ['project/demo@A', 'server/one@A', 'server/two@A', 'skill/s@A'],
    ['skill/s'],
  ],
  [
    'a skill that needs a server which is not there: it stays as it was',
    skill,
    { 'skills/s/skill.yaml': skillFile('mcpServers: [{ name: gone }]') },
    ['project/demo@A', 'server/one@A', 'server/two@A', 'skill/s@A'],
    ['skill/s'],
  ],
  [
    'a server removed that a skill brings along: it stays',
    { ...skill, 'servers/three.yaml': server(), 'skills/s/skill.yaml': skillFile('mcpServers: [{ name: three }]') },
    { 'servers/three.yaml': undefined },
    ['project/demo@A', 'server/one@A', 'server/three@A', 'server/two@A', 'skill/s@A'],
    ['server/three'],
  ],
  [
    'servers that wait for each other: both stay as they were',
    {},
    { 'servers/one.yaml': server('  dependsOn: [two]\n'), 'servers/two.yaml': server('  dependsOn: [one]\n') },
    ['project/demo@A', 'server/one@A', 'server/two@A'],
    ['server/one', 'server/two'],
  ],
  [
    'an agent’s prompt whose agent is not valid: neither is there',
    {},
    { 'agents/bot/agent.yaml': 'spec: [', 'agents/bot/prompts/p.md': '---\n---\nText\n' },
    ['project/demo@A', 'server/one@A', 'server/two@A'],
    ['agent/bot', 'agent/bot/prompt/p'],
  ],
])('%s', (_situation, first, second, service, stalled) => {
  expect(after(first, second)).toEqual({ service, stalled });
});

it.each<[string, Files, string]>([
  ['mcpctl.yaml is gone', { 'mcpctl.yaml': undefined }, 'REPOSITORY_MISSING'],
  ['mcpctl.yaml is broken', { 'mcpctl.yaml': 'spec: [' }, 'YAML_SYNTAX'],
  ['mcpctl.yaml is another repository’s', { 'mcpctl.yaml': repository.replace('test', 'other') }, 'REPOSITORY_OTHER'],
  ['everything is gone', Object.fromEntries(Object.keys(base).map(path => [path, undefined])), 'REPOSITORY_MISSING'],
])('%s: the commit is refused as a whole', (_situation, change, code) => {
  const before = take(base, new Map(), 'A');
  const outcome = accept(assemble(parse({ ...base, ...change })), before.good, 'B');
  expect('refused' in outcome && outcome.refused.map(found => found.code)).toContain(code);
});

it('names the problem where it was made, once', () => {
  const before = take(base, new Map(), 'A');
  const { stalled, problems } = take({ ...base, 'servers/one.yaml': server('  bogus: 1\n') }, before.good, 'B');
  expect(stalled.get('server/one')).toMatchObject([
    { code: 'FIELD_UNKNOWN', at: { file: 'servers/one.yaml', line: 7, column: 3 } },
  ]);
  expect(problems.filter(({ code }) => code === 'FIELD_UNKNOWN')).toHaveLength(1);
});

describe('an environment', () => {
  const patched: Files = { ...base, 'environments/prod/servers/one.yaml': 'spec: { replicas: 3 }\n' };
  const replicas = (outcome: ReturnType<typeof accept>) => {
    if ('refused' in outcome) throw new Error('refused');
    const one = outcome.catalog.get('server/one');
    return one?.kind === 'Server' ? one.spec.replicas : undefined;
  };

  it('takes effect when it is chosen', () => {
    expect(replicas(accept(assemble(parse(patched)), new Map(), 'A'))).toBe(1);
    expect(replicas(accept(assemble(parse(patched), 'prod'), new Map(), 'A'))).toBe(3);
  });

  it.each([
    ['that makes something invalid', 'spec: { replicas: x }\n'],
    ['that is no YAML', 'spec: ['],
    ['that is too large', '# comment\n'.repeat(30_000)],
  ])('%s breaks what it patches, and no more', (_what, patch) => {
    const before = accept(assemble(parse(patched), 'prod'), new Map(), 'A');
    if ('refused' in before) throw new Error('refused');
    const broken = { ...patched, 'environments/prod/servers/one.yaml': patch };
    const outcome = accept(assemble(parse(broken), 'prod'), before.good, 'B');
    expect(replicas(outcome)).toBe(3);
    expect('stalled' in outcome && [...outcome.stalled.keys()]).toEqual(['server/one']);
  });

  it('that is not there refuses the commit', () => {
    const outcome = accept(assemble(parse(patched), 'pord'), new Map(), 'A');
    expect('refused' in outcome && outcome.refused.map(({ code }) => code)).toEqual(['ENVIRONMENT_UNKNOWN']);
  });
});
