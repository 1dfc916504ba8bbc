import { expect, it } from 'vitest';
import {
  type AnyResource,
  assemble,
  link,
  type ParsedFile,
  parseFile,
  type ResourceId,
  resourceId,
} from '../schema/index.ts';
import { type Accepted, accept, type Good } from './accept.ts';

/** File contents by path. */
type Files = ReadonlyMap<string, string>;
type Random = (below: number) => number;

const head = (kind: string) => `apiVersion: mcpctl.dev/v1\nkind: ${kind}\nmetadata: {}\nspec:\n`;
const broken = 'kind: [';
const servers = ['a', 'b', 'c'];
const digest = `sha512-${'A'.repeat(86)}==`;

/** mulberry32: the same sequence for a seed on every machine. */
function random(seed: number): Random {
  let state = seed;
  return below => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function pick<T>(next: Random, choices: readonly T[]): T {
  return choices[next(choices.length)] as T;
}

function aServer(next: Random): string {
  const replicas = `  replicas: ${1 + next(3)}\n`;
  const npm = `  package: {registry: npm, identifier: thing, version: 1.0.${next(2)}}\n`;
  const secret = `  env: [{name: T, valueFrom: {secretRef: {name: ${pick(next, ['s', 't'])}, key: k${next(2)}}}}]\n`;
  return `${head('Server')}  transport: stdio\n${next(2) ? npm : '  command: [run]\n'}${replicas}${next(2) ? secret : ''}`;
}

function aLock(next: Random): string {
  const version = `1.0.${next(2)}`;
  const packages = { '': { dependencies: { thing: version } }, 'node_modules/thing': { version, integrity: digest } };
  return JSON.stringify({ lockfileVersion: 3, packages, note: next(2) });
}

function aProject(next: Random): string {
  const used = servers.filter(() => next(2) === 0);
  return `${head('Project')}  servers: [${used.join(', ')}]\n  prompts: [${next(2) ? 'greet' : ''}]\n`;
}

const aPrompt = (next: Random) => `---\ndescription: version ${next(3)}\n---\nHello.\n`;
const aSecret = (next: Random) => {
  const keys = ['k0', 'k1'].filter(() => next(3) > 0).map(key => `${key}: {generate: {bytes: ${16 + next(2)}}}`);
  return `${head('Secret')}  data: {${keys.join(', ')}}\n`;
};

const generators: [path: string, make: (next: Random) => string][] = [
  ...servers.flatMap((name): [string, (next: Random) => string][] => [
    [`servers/${name}.yaml`, aServer],
    [`servers/moved/${name}.yaml`, aServer],
    [`locks/servers/${name}/package-lock.json`, aLock],
  ]),
  ['secrets/s.yaml', aSecret],
  ['secrets/t.yaml', aSecret],
  ['prompts/greet.md', aPrompt],
  ['projects/p/project.yaml', aProject],
  ['projects/q/project.yaml', aProject],
  ['projects/p/prompts/own.md', aPrompt],
];

/** The next commit: a few files written anew, removed or broken. */
function change(before: Files, next: Random): Files {
  const after = new Map(before);
  for (let left = 1 + next(4); left > 0; left--) {
    const [path, make] = pick(next, generators);
    const what = next(8);
    // The same server under a second path is a duplicate; rare, so that most commits are about something else.
    if (path.includes('/moved/') && next(4) > 0) after.delete(path);
    else if (what < 5) after.set(path, make(next));
    else if (what < 7) after.delete(path);
    else after.set(path, broken);
  }
  return after;
}

function parse(files: Files): ParsedFile[] {
  return [...files].map(([path, text]) => parseFile({ path, oid: '0'.repeat(40), mode: '100644' }, Buffer.from(text)));
}

function shuffled<T>(items: readonly T[], next: Random): T[] {
  return items
    .map(item => ({ item, key: next(1_000_000) }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

const digests = (resources: Iterable<AnyResource>) =>
  Object.fromEntries([...resources].map(({ id, digest: content }) => [id, content]).sort());

/** Ids of what a resource cannot do without, whether or not it is there. */
function needs({ id, name, scope, references }: AnyResource): ResourceId[] {
  return [
    ...references.map(reference => resourceId(reference.kind, 'global', reference.name)),
    ...(scope === 'global' ? [] : [scope]),
    ...(id.startsWith('server/') ? [`lock/${name}`] : id.startsWith('lock/') ? [`server/${name}`] : []),
  ];
}

/** Add to `ids` whatever cannot do without one of them; returns it. */
function withDependents(ids: Set<ResourceId>, resources: readonly AnyResource[]): Set<ResourceId> {
  for (let size = -1; size !== ids.size; ) {
    size = ids.size;
    for (const resource of resources) if (needs(resource).some(id => ids.has(id))) ids.add(resource.id);
  }
  return ids;
}

/** Valid resources of a commit that need nothing that is missing, broken or doubtful, in the commit itself. */
function selfContained(files: ParsedFile[]): AnyResource[] {
  const byId = Map.groupBy(
    files.filter(({ id }) => id !== undefined),
    ({ id }) => id ?? '',
  );
  const bad = new Set<ResourceId>();
  const good = new Map<ResourceId, AnyResource>();
  for (const [id, [first, ...others]] of byId) {
    if (first?.resource && others.length === 0) good.set(id, first.resource);
    else bad.add(id);
  }
  for (const { severity, resource = '' } of link(good.values(), bad).problems)
    if (severity === 'error') bad.add(resource);
  withDependents(bad, [...good.values()]);
  return [...good.values()].filter(({ id }) => !bad.has(id));
}

/** A commit, what was in service before it, and what is now. */
interface Step {
  files: ParsedFile[];
  before: ReadonlyMap<ResourceId, Good>;
  now: Accepted;
  inService: Record<ResourceId, string>;
  /** To reproduce it by. */
  story: string;
}

type Take = (files: readonly ParsedFile[], good: ReadonlyMap<ResourceId, Good>, commit: string) => Accepted;

const take =
  (allowPrune: boolean): Take =>
  (files, good, commit) => {
    const outcome = accept(assemble(files), good, commit, { allowPrune });
    if ('refused' in outcome) throw new Error('refused');
    return outcome;
  };

function whatIsInServiceFits({ now, inService, story }: Step): void {
  const { problems } = link(now.catalog.resources.values());
  expect(
    problems.filter(({ severity }) => severity === 'error'),
    story,
  ).toEqual([]);
  expect(digests([...now.good.values()].map(({ resource }) => resource))).toEqual(inService);
}

/** What was reviewed together is run together, unless a commit says otherwise. */
function noServerLosesItsLock({ files, before, inService, story }: Step): void {
  for (const [id, { resource }] of before) {
    const lock = id.replace('server/', 'lock/');
    if (resource.kind !== 'Server' || !before.has(lock) || inService[id] !== resource.digest) continue;
    if (files.some(file => file.id === id && file.resource?.digest === resource.digest)) continue;
    expect(inService[lock], `${id} lost its lock\n${story}`).toBeDefined();
  }
}

/** A difference between the commit and what is in service is told; a lock's with its server's. */
function everyDifferenceIsTold({ files, now, inService, story }: Step): void {
  const declared = Map.groupBy(files, ({ id }) => id);
  for (const id of new Set([...files.flatMap(file => file.id ?? []), ...Object.keys(inService)])) {
    const [first, ...others] = declared.get(id) ?? [];
    if (others.length === 0 && first?.resource?.digest === inService[id]) continue;
    const told = now.stalled.has(id) || now.stalled.has(id.replace('lock/', 'server/'));
    expect(told, `${id} is stalled and nobody says so\n${story}`).toBe(true);
  }
}

/** What is valid in itself goes ahead, unless something in service needs what it would take away. */
function theRestGoesAhead({ files, now, inService, story }: Step): void {
  const wanted = selfContained(files);
  const uses = [...now.catalog.resources.values()].flatMap(({ references }) => references);
  const held = wanted.filter(({ kind, name, spec }) =>
    uses.some(
      use => use.kind === kind && use.name === name && 'data' in spec && !Object.hasOwn(spec.data, use.key ?? ''),
    ),
  );
  const back = withDependents(new Set(held.map(({ id }) => id)), wanted);
  for (const { id, kind, digest: expected } of wanted) {
    // A lock follows its server.
    if (kind !== 'Lock' && !back.has(id)) expect(inService[id], `${id} is held back\n${story}`).toBe(expected);
  }
}

/** Either all that a commit removes goes, or nothing of it does; and never is all of a kind gone at once. */
function removalsGoTogether({ before, now, inService, story }: Step): void {
  const { held, removed } = now.removals;
  if (held) expect(removed, story).toEqual([]);
  for (const kind of ['server/', 'project/', 'secret/']) {
    const present = [...before.keys()].filter(id => id.startsWith(kind) && id.split('/').length === 2);
    const left = Object.keys(inService).filter(id => id.startsWith(kind));
    if (present.length > 1) expect(left.length, `no ${kind} is left\n${story}`).toBeGreaterThan(0);
  }
}

function theSameAgain({ files, before, now, inService }: Step, next: Random, commit: string, accepting: Take): void {
  const again = accepting(shuffled(files, next), before, commit);
  expect(digests(again.catalog.resources.values())).toEqual(inService);
  expect(Object.fromEntries(again.stalled)).toEqual(Object.fromEntries(now.stalled));
  expect(again.problems).toEqual(now.problems);
  const later = accepting(files, now.good, 'later');
  expect(digests(later.catalog.resources.values())).toEqual(inService);
  expect(Object.fromEntries(later.good)).toEqual(Object.fromEntries(now.good));
}

const seeds = Array.from({ length: 40 }, (_, seed) => [seed, seed % 2 === 0] as const);

it.each(seeds)('any history of commits, seed %i, all removals allowed: %s', (seed, allowed) => {
  const next = random(seed);
  const accepting = take(allowed);
  let before: ReadonlyMap<ResourceId, Good> = new Map();
  let content: Files = new Map([['mcpctl.yaml', `${head('Repository')}  id: test\n`]]);
  for (let number = 0; number < 40; number++) {
    content = change(content, next);
    const files = parse(content);
    const commit = `commit-${number}`;
    const now = accepting(files, before, commit);
    const inService = digests(now.catalog.resources.values());
    const service = digests([...before.values()].map(({ resource }) => resource));
    const story = JSON.stringify({ service, commit: Object.fromEntries(content) }, undefined, 1);
    const step: Step = { files, before, now, inService, story };
    whatIsInServiceFits(step);
    noServerLosesItsLock(step);
    everyDifferenceIsTold(step);
    if (allowed) theRestGoesAhead(step);
    else removalsGoTogether(step);
    theSameAgain(step, next, commit, accepting);
    before = now.good;
  }
});
