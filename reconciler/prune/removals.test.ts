import { describe, expect, it } from 'vitest';
import { assemble, parseFile } from '../../schema/index.ts';
import { type Accepted, type AcceptOptions, accept, type Good } from '../accept.ts';

type Files = Record<string, string>;

const head = (kind: string, metadata = '{}') => `apiVersion: mcpctl.dev/v1\nkind: ${kind}\nmetadata: ${metadata}\n`;
const repository = (extra = '') => `${head('Repository')}spec: {id: test${extra}}\n`;
const server = (name: string, extra = '', metadata = '{}') =>
  `${head('Server', metadata)}spec: {transport: stdio, command: [run, ${name}]${extra}}\n`;
const project = (spec: string) => `${head('Project')}spec: {${spec}}\n`;
const prompt = (text: string, metadata = '') => `---\n${metadata}---\n${text}\n`;

function servers(count: number, extra = ''): Files {
  return Object.fromEntries(
    Array.from({ length: count }, (_, number) => [`servers/s${number}.yaml`, server(`s${number}`, extra)]),
  );
}

function without(files: Files, ...paths: string[]): Files {
  return Object.fromEntries(Object.entries(files).filter(([path]) => !paths.includes(path)));
}

function moved(files: Files, from: string, to: string): Files {
  return { ...without(files, from), [to]: files[from] ?? '' };
}

function take(files: Files, good: ReadonlyMap<string, Good>, commit: string, options?: AcceptOptions): Accepted {
  const parsed = Object.entries({ 'mcpctl.yaml': repository(), ...files }).map(([path, text], index) =>
    parseFile({ path, oid: `${index}`.padStart(40, '0'), mode: '100644' }, Buffer.from(text)),
  );
  const outcome = accept(assemble(parsed), good, commit, options);
  if ('refused' in outcome) throw new Error(JSON.stringify(outcome.refused));
  return outcome;
}

/** What `after` does to what `before` put into service: how many are gone, what waits, what is kept, what moved. */
function change(before: Files, after: Files, options?: AcceptOptions) {
  const first = take(before, new Map(), 'a'.repeat(40));
  expect([...first.stalled.keys()]).toEqual([]);
  const { removals, stalled, catalog, problems } = take(after, first.good, 'b'.repeat(40), options);
  const gone = [...first.good.keys()].filter(id => !catalog.get(id));
  return {
    gone,
    removals,
    catalog,
    stalled: [...stalled.keys()].sort(),
    codes: [...new Set(problems.map(({ code }) => code))].filter(code => /PRUNE|EXTENSION/.test(code)),
  };
}

const ids = (count: number) => Array.from({ length: count }, (_, number) => `servers/s${number}.yaml`);

describe('the budget', () => {
  it.each<[situation: string, present: number, removed: number, policy: string, waits: boolean]>([
    ['3 of 20 go', 20, 3, '', false],
    ['4 of 20 wait', 20, 4, '', true],
    ['5 of 50 go: 10 %', 50, 5, '', false],
    ['6 of 50 wait', 50, 6, '', true],
    ['the only one goes', 1, 1, '', false],
    ['1 of 2 goes', 2, 1, '', false],
    ['both of 2 wait: none would be left', 2, 2, '', true],
    ['3 of 3 wait', 3, 3, '', true],
    ['none may go', 20, 1, ', prune: {max: 0}', true],
    ['12 of 20 go when so many may', 20, 12, ', prune: {max: 12}', false],
    ['13 of 20 wait when 12 may', 20, 13, ', prune: {max: 12}', true],
    ['half of them go when so many may', 20, 10, ', prune: {max: 50%}', false],
    ['more than half of them wait', 20, 11, ', prune: {max: 50%}', true],
    ['all of them wait, however many may go', 20, 20, ', prune: {max: 100%}', true],
  ])('%s', (_situation, present, removed, policy, waits) => {
    const before = { ...servers(present), 'mcpctl.yaml': repository(policy) };
    const found = change(before, without(before, ...ids(removed)));
    expect(found.gone).toHaveLength(waits ? 0 : removed);
    expect(found.removals.held?.removes ?? []).toHaveLength(waits ? removed : 0);
    expect(found.removals.removed).toHaveLength(waits ? 0 : removed);
  });

  it('is that of before the commit', () => {
    const before = servers(20);
    const after = { ...without(before, ...ids(12)), 'mcpctl.yaml': repository(', prune: {max: 100%}') };
    expect(change(before, after).gone).toEqual([]);
  });

  it('counts all kinds together, too', () => {
    const before: Files = { ...servers(8) };
    for (let number = 0; number < 8; number++) before[`prompts/p${number}.md`] = prompt(`${number}`);
    const two = [...ids(2), 'prompts/p0.md', 'prompts/p1.md'];
    expect(change(before, without(before, ...two)).removals.held?.because).toEqual([
      'it removes 4 of 16 resources, and 3 may go at once',
    ]);
  });

  it('once it is allowed, all goes', () => {
    const before = servers(20);
    const found = change(before, { 'servers/s0.yaml': server('s0') }, { allowPrune: true });
    expect(found).toMatchObject({ stalled: [], codes: [] });
    expect(found.gone).toHaveLength(19);
  });

  it('the rest of the commit goes ahead', () => {
    const before = servers(20);
    const found = change(before, {
      ...without(before, ...ids(10)),
      'servers/new.yaml': server('new'),
      'servers/s19.yaml': server('s19', ', replicas: 2'),
    });
    expect(found.gone).toEqual([]);
    expect(found.catalog.get('server/new')).toBeDefined();
    expect(found.catalog.get('server/s19')).toMatchObject({ spec: { replicas: 2 } });
    expect(found.stalled).toHaveLength(10);
  });
});

describe('a move is no removal', () => {
  const before: Files = { ...servers(6), 'projects/p/project.yaml': project('servers: [s0, s1]') };
  it.each<[situation: string, after: Files, moves: [string, string][]]>([
    ['another folder: the same resource', moved(before, 'servers/s2.yaml', 'servers/data/s2.yaml'), []],
    ['another name, the same content', moved(before, 'servers/s2.yaml', 'servers/t.yaml'), [['server/s2', 'server/t']]],
    [
      'every server, to another name',
      Object.fromEntries(
        Object.entries(before).map(([path, text]) => [
          path.replace('servers/s', 'servers/t'),
          text.replace('s0, s1', 't0, t1'),
        ]),
      ),
      [0, 1, 2, 3, 4, 5].map(number => [`server/s${number}`, `server/t${number}`]),
    ],
    [
      'a project that keeps what it has',
      moved(before, 'projects/p/project.yaml', 'projects/q/project.yaml'),
      [['project/p', 'project/q']],
    ],
  ])('%s', (_situation, after, moves) => {
    const found = change(before, after);
    expect([...found.removals.moved]).toEqual(moves);
    expect(found).toMatchObject({ removals: { removed: [] }, stalled: [], codes: [] });
  });

  it('another name and other content is a removal', () => {
    const after = { ...without(before, 'servers/s2.yaml'), 'servers/t.yaml': server('other') };
    expect(change(before, after).removals).toMatchObject({ removed: ['server/s2'], moved: new Map() });
  });
});

describe('prune: never', () => {
  it.each<[situation: string, files: Files, keeps: string[]]>([
    ['on a server', { 'servers/a.yaml': server('a', ', prune: never') }, ['server/a']],
    [
      'as an annotation',
      { 'servers/a.yaml': server('a', '', '{annotations: {mcpctl.dev/prune: never}}') },
      ['server/a'],
    ],
    [
      'misspelt, keeps as well',
      { 'servers/a.yaml': server('a', '', '{annotations: {mcpctl.dev/prune: nevr}}') },
      ['server/a'],
    ],
    ['on a prompt', { 'prompts/a.md': prompt('text', 'labels: {mcpctl.dev/prune: never}\n') }, ['prompt/a']],
    ['auto, goes', { 'servers/a.yaml': server('a', ', prune: auto') }, []],
    [
      'keeps what it needs',
      {
        'servers/a.yaml': server('a', ', prune: never, env: [{name: T, valueFrom: {secretRef: {name: s, key: k}}}]'),
        'secrets/s.yaml': `${head('Secret')}spec: {data: {k: {generate: {}}}}\n`,
      },
      ['secret/s', 'server/a'],
    ],
  ])('%s', (_situation, files, keeps) => {
    const { catalog, removals } = change({ ...servers(5), ...files }, servers(5), { allowPrune: true });
    expect([...catalog.resources.keys()].filter(id => !/repository|server\/s\d/.test(id)).sort()).toEqual(keeps);
    expect([...removals.kept.keys()]).toEqual(keeps.filter(id => !id.startsWith('secret/')));
  });
});

describe('a slip is no removal', () => {
  const before: Files = { ...servers(5), 'prompts/a.md': prompt('a'), 'prompts/b.md': prompt('b') };
  it.each<[situation: string, after: Files, stays: string]>([
    ['.yml', moved(before, 'servers/s1.yaml', 'servers/s1.yml'), 'server/s1'],
    ['.YAML', moved(before, 'servers/s1.yaml', 'servers/s1.YAML'), 'server/s1'],
    ['another case', moved(before, 'servers/s1.yaml', 'servers/S1.yaml'), 'server/s1'],
    ['a copy aside', moved(before, 'servers/s1.yaml', 'servers/s1.yaml.orig'), 'server/s1'],
    ['.json', moved(before, 'servers/s1.yaml', 'servers/s1.json'), 'server/s1'],
    ['.markdown', moved(before, 'prompts/a.md', 'prompts/a.markdown'), 'prompt/a'],
    ['.txt', moved(before, 'prompts/a.md', 'prompts/a.txt'), 'prompt/a'],
  ])('%s', (_situation, after, stays) => {
    const found = change(before, after);
    expect(found).toMatchObject({ gone: [], stalled: [stays] });
    expect(found.codes).toContain('PRUNE_DISPLACED');
  });
});

describe('a project that would serve nothing', () => {
  const labelled = (name: string, label: string) => server(name, '', `{labels: {tier: ${label}}}`);
  const before: Files = {
    'servers/a.yaml': labelled('a', 'prod'),
    'servers/b.yaml': labelled('b', 'prod'),
    'servers/c.yaml': server('c'),
    'projects/labels/project.yaml': project('selector: {servers: {matchLabels: {tier: prod}}}'),
    'projects/names/project.yaml': project('servers: [a, b]'),
  };
  it.each<[situation: string, after: Files, stalled: string[]]>([
    [
      'the selector matches nothing any more',
      { ...before, 'projects/labels/project.yaml': project('selector: {servers: {matchLabels: {tier: prd}}}') },
      ['project/labels'],
    ],
    [
      'the labels are gone',
      { ...before, 'servers/a.yaml': server('a'), 'servers/b.yaml': server('b') },
      ['project/labels', 'server/a', 'server/b'],
    ],
    ['the list is empty', { ...before, 'projects/names/project.yaml': project('servers: []') }, ['project/names']],
  ])('%s', (_situation, after, stalled) => {
    const found = change(before, after);
    expect(found.stalled).toEqual(stalled);
    expect(found.removals.held?.removes).toEqual(stalled);
    expect(change(before, after, { allowPrune: true }).stalled).toEqual([]);
  });

  it('one that still serves something goes ahead', () => {
    const after = { ...before, 'projects/names/project.yaml': project('servers: [a]') };
    expect(change(before, after).stalled).toEqual([]);
  });
});
