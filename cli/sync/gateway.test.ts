import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBundles } from '../../repo/index.ts';
import { pinRoot } from '../../repo/trust/index.ts';
import type { RootDocument } from '../../schema/index.ts';
import { type RunningServer, startServer } from '../../tests/git-server.ts';
import { type SkillsMachine, skillFiles, skillsMachine } from '../../tests/skills-machine.ts';
import { type Key, makeKey, makeRoot, TrustScene } from '../../tests/trust-scene.ts';

const SKILL = '.claude/skills/review/SKILL.md';
const codes = (errors: readonly { code: string }[]) => errors.map(({ code }) => code);
const review = (body: string) =>
  skillFiles('skills/review', body, { 'scripts/run.sh': '#!/bin/sh\necho hello\n' }) as Record<string, string>;

interface Served {
  etag: string;
  body: Buffer;
}

let scene: TrustScene;
let machine: SkillsMachine;
let boss: Key;
let maker: Key;
let root: RootDocument;
let gateway: RunningServer;
/** What the gateway does; honest unless a test says otherwise. */
let behave: (request: IncomingMessage, response: ServerResponse, served: Served) => void;
let current: Served;

beforeEach(async () => {
  scene = new TrustScene(review('One.'));
  machine = skillsMachine();
  machine.env.PATH = '/nonexistent';
  boss = makeKey(scene.keys, 'boss');
  maker = makeKey(scene.keys, 'maker');
  root = await makeRoot(1, { root: [boss], release: [maker] }, [boss]);
  scene.addRoots(root);
  await release('1.0.0', 1);
  behave = honest;
  gateway = await startServer((request, response) => behave(request, response, current));
  await pinRoot(machine.path('.mcpctl'), [root], [gateway.url], new Date());
});
afterEach(async () => {
  await gateway.close();
  scene.remove();
  machine.remove();
});

/** Make a release, and let the gateway have it. */
async function release(version: string, sequence: number, body?: string, key: Key = maker, from = scene) {
  if (body !== undefined) from.repository.commit(review(body));
  const made = await from.release({ version, sequence, key });
  from.repository.git('update-ref', `refs/mcpctl/releases/v${version}`, made.tag);
  current = await bundleOf(made.commit, from);
}

async function bundleOf(commit: string, from = scene): Promise<Served> {
  from.repository.git('update-ref', 'refs/heads/followed', 'HEAD');
  const mirror = { gitDir: from.workshop.gitDir } as Parameters<typeof openBundles>[0]['mirror'];
  const bundle = await openBundles({ mirror, env: from.workshop.env, path: '' }).find('latest', commit);
  if (!bundle) throw new Error('there is no bundle');
  return { etag: bundle.etag, body: Buffer.concat(await bundle.print()) };
}

function honest(request: IncomingMessage, response: ServerResponse, { etag, body }: Served): void {
  if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
  else response.writeHead(200, { etag }).end(body);
}

const altered = (change: (body: Buffer) => Buffer, etag = '"other"') => {
  behave = (_request, response, { body }) => response.writeHead(200, { etag }).end(change(body));
};
const sync = (...argv: string[]) => machine.sync(['--gateway', gateway.url, ...argv]);

it('a machine without git installs, asks once when nothing changed, and updates', async () => {
  const first = await sync();
  expect(first.report, first.stderr).toMatchObject({ installed: ['skill/review'], errors: [], exitCode: 0 });
  expect(machine.read(SKILL)).toContain('One.');
  const [skill] = JSON.parse(machine.read('.mcpctl/skills-state.json') ?? '').skills;
  expect(skill).toMatchObject({ release: 'v1.0.0', signedBy: 'maker' });
  gateway.requests.splice(0);
  let status = 0;
  behave = (request, response, served) => {
    honest(request, response, served);
    status = response.statusCode;
  };
  expect((await machine.sync()).report).toMatchObject({ skipped: ['skill/review'], errors: [] });
  expect({ asked: gateway.requests.length, status }).toEqual({ asked: 1, status: 304 });
  await release('1.1.0', 2, 'Two.');
  expect((await machine.sync()).report.updated).toEqual(['skill/review']);
  expect(machine.read(SKILL)).toContain('Two.');
  // What was changed on this disk is mended although the gateway has nothing new.
  machine.write(SKILL, 'mine');
  expect((await machine.sync(['--force'])).report.updated).toEqual(['skill/review']);
  expect(machine.read(SKILL)).toContain('Two.');
  expect((await machine.run(['skills', 'verify'])).code).toBe(0);
});

describe('a gateway that lies changes nothing:', () => {
  const other = async () => {
    const foreign = new TrustScene(review('Foreign.'));
    const key = makeKey(foreign.keys, 'maker');
    foreign.addRoots(await makeRoot(1, { root: [key], release: [key] }, [key]));
    await release('9.0.0', 9, undefined, key, foreign);
    foreign.remove();
  };
  const replace = (from: string, to: string) => (body: Buffer) =>
    Buffer.from(body.toString('latin1').replaceAll(from, to), 'latin1');
  it.each<[situation: string, attack: () => unknown, exit: number, code: string]>([
    ['a changed file', () => altered(replace('echo hello', 'echo ouch!')), 5, 'NOT_TRUSTED'],
    ['a changed manifest', () => altered(replace('"files"', '"fules"')), 5, 'NOT_TRUSTED'],
    ['a file left out', () => altered(replace('blob 21\n#!/bin/sh\necho hello\n', '')), 5, 'NOT_TRUSTED'],
    ['a release of a stranger', () => release('9.0.0', 9, 'Evil.', boss), 5, 'NOT_TRUSTED'],
    ['another repository', other, 5, 'NOT_TRUSTED'],
    [
      'another name for the release',
      () => altered(replace('"release":"v1.1.0"', '"release":"v9.9.9"')),
      5,
      'NOT_TRUSTED',
    ],
    ['the branch in place of a release', () => altered(replace('"release":"v1.1.0",', '')), 1, 'RELEASE_UNKNOWN'],
    ['half of it', () => altered(body => body.subarray(0, body.length / 2)), 1, 'REMOTE_UNREACHABLE'],
    ['all but its end', () => altered(body => body.subarray(0, -1)), 1, 'REMOTE_UNREACHABLE'],
    ['more than it should be', () => altered(body => Buffer.concat([body, body])), 1, 'REMOTE_UNREACHABLE'],
    [
      'a bomb that is only announced',
      () => altered(replace('blob 21\n', 'blob 9999999999\n')),
      1,
      'REMOTE_UNREACHABLE',
    ],
    ['a folder outside', () => altered(replace('"path":""', '"path":"../x"')), 1, 'REMOTE_UNREACHABLE'],
    ['a page', () => altered(() => Buffer.from('<html>')), 1, 'REMOTE_UNREACHABLE'],
    [
      'a redirect',
      () => {
        behave = (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
      },
      1,
      'REMOTE_UNREACHABLE',
    ],
  ])('%s', async (_situation, attack, exit, code) => {
    await release('1.1.0', 2, 'Two.');
    await sync();
    expect(machine.read(SKILL)).toContain('Two.');
    await attack();
    // Another machine would take it as its first; this one asks anew.
    machine.write('.mcpctl/sync/bundle.json', '{}');
    const { report } = await sync('--force');
    expect(report).toMatchObject({ installed: [], updated: [], removed: [] });
    expect(machine.read(SKILL)).toContain('Two.');
    // A machine that needs all of it says what is wrong.
    const fresh = skillsMachine();
    await pinRoot(fresh.path('.mcpctl'), [root], [gateway.url], new Date());
    const refused = await fresh.sync(['--gateway', gateway.url]);
    const found = { exit: refused.code, errors: codes(refused.report.errors) };
    expect(found, refused.stderr).toEqual({ exit, errors: [code] });
    expect(fresh.names('.claude')).toEqual([]);
    fresh.remove();
  });

  it('an older release', async () => {
    const old = current;
    await release('1.1.0', 2, 'Two.');
    await sync();
    current = old;
    const { code, report } = await sync();
    expect({ code, errors: codes(report.errors) }).toEqual({ code: 5, errors: ['NOT_TRUSTED'] });
    expect(machine.read(SKILL)).toContain('Two.');
  });

  it('“nothing new” to somebody who has nothing', async () => {
    behave = (_request, response) => response.writeHead(304).end();
    const { code, report } = await sync();
    expect({ code, errors: codes(report.errors) }).toEqual({ code: 1, errors: ['REMOTE_UNREACHABLE'] });
    behave = honest;
    expect((await sync()).report.installed).toEqual(['skill/review']);
    // To somebody who has something it means that this stays.
    behave = (_request, response) => response.writeHead(304).end();
    expect((await machine.sync()).report).toMatchObject({ skipped: ['skill/review'], errors: [] });
  });

  it('a release that came between “nothing new” and the next question', async () => {
    await sync();
    machine.write(SKILL, 'mine');
    await release('1.1.0', 2, 'Two.');
    behave = (request, response, { etag, body }) => {
      if (request.headers['if-none-match'] !== undefined) response.writeHead(304).end();
      else response.writeHead(200, { etag }).end(body);
    };
    const { report } = await machine.sync(['--force']);
    expect(report).toMatchObject({ updated: ['skill/review'], errors: [] });
    expect(machine.read(SKILL)).toContain('Two.');
  });

  it('an ETag that was another release’s', async () => {
    await sync();
    const { etag } = current;
    await release('1.1.0', 2, 'Two.');
    altered(body => body, etag);
    expect((await machine.sync()).report.updated).toEqual(['skill/review']);
    expect(machine.read(SKILL)).toContain('Two.');
  });
});

it('a gateway that wants a token says how to get one', async () => {
  behave = (request, response, served) => {
    if (request.headers.authorization === 'Bearer right') honest(request, response, served);
    else response.writeHead(401).end();
  };
  const { code, report } = await sync();
  expect({ code, errors: codes(report.errors) }).toEqual({ code: 1, errors: ['REMOTE_AUTH'] });
  expect(report.errors[0]?.hint).toContain(`mcpctl login --server ${gateway.url}`);
  machine.env.MCPCTL_TOKEN = 'right';
  expect((await sync()).report.installed).toEqual(['skill/review']);
});

it('a repository and a gateway: the one named last counts', async () => {
  await sync();
  const both = await machine.sync(['--gateway', gateway.url, '--from', scene.repository.work]);
  expect({ code: both.code, errors: codes(both.report.errors) }).toEqual({ code: 2, errors: ['USAGE'] });
  machine.env.PATH = process.env.PATH;
  await machine.sync(['--from', scene.repository.work]);
  const config = JSON.parse(machine.read('.mcpctl/skills.json') ?? '');
  expect(config.from).toBe(scene.repository.work);
  expect(config.gateway).toBeUndefined();
});

it('a root is pinned from a gateway, by its fingerprint', async () => {
  const fresh = skillsMachine();
  const wrong = await fresh.run([
    'trust',
    'add',
    gateway.url,
    '--gateway',
    '--fingerprint',
    `sha256:${'0'.repeat(64)}`,
  ]);
  expect(wrong.code).not.toBe(0);
  const right = JSON.parse(machine.read('.mcpctl/trust/test.example/root.json') ?? '').fingerprint;
  const added = await fresh.run(['trust', 'add', gateway.url, '--gateway', '--fingerprint', right]);
  expect(added.code, added.stderr).toBe(0);
  const { report, stderr } = await fresh.sync(['--gateway', gateway.url, '--trust', 'release']);
  expect(report.installed, stderr).toEqual(['skill/review']);
  fresh.remove();
});
