import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bundleDigest } from '../index.ts';
import type { AnyResource } from '../resource.ts';
import {
  bumpBetween,
  canonicalJson,
  compareVersions,
  hintOf,
  isBump,
  isVersion,
  keyId,
  largestBump,
  MANIFEST_PATH,
  MAX_MANIFEST_BYTES,
  MAX_MESSAGE_BYTES,
  type Manifest,
  type ManifestFile,
  manifestFiles,
  nextManifest,
  parseManifest,
  parseReleaseMessage,
  parseRoot,
  printManifest,
  printReleaseMessage,
  printRoot,
  type ReleaseMessage,
  ROOT_FOLDER,
  type Root,
  raise,
  releaseVersion,
  rootFingerprint,
  rootPayload,
  type VersionHint,
} from './index.ts';

const HEX = 'a'.repeat(64);
const OID = 'b'.repeat(40);

function file(path: string): ManifestFile {
  return { path, mode: '100644', size: 3, sha256: HEX };
}

function server(name: string, digest = '1'): AnyResource {
  const spec = {} as AnyResource['spec'];
  return {
    id: `server/${name}`,
    kind: 'Server',
    scope: 'global',
    name,
    metadata: { labels: {}, annotations: {} },
    spec,
    file: `servers/${name}.yaml`,
    digest: `sha256:${digest.padStart(64, '0')}`,
    references: [],
  } as AnyResource;
}

function next(servers: AnyResource[], previous?: Manifest, hints: Record<string, VersionHint> = {}) {
  const files = [...servers.map(one => file(one.file)), file('trust/root/1.json')];
  const content = { repository: 'test.example', resources: servers, files, oid: () => OID };
  return nextManifest(content, previous, new Map(Object.entries(hints)));
}

const key = {
  key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  name: 'alice',
};
const KEY = keyId(key.key);
const role = { keys: [KEY], threshold: 1 };
const root: Root = {
  apiVersion: 'mcpctl.dev/v1',
  kind: 'Root',
  repository: 'test.example',
  version: 1,
  keys: { [KEY]: key },
  roles: { root: role, release: role, renew: role },
};
const message: ReleaseMessage = {
  apiVersion: 'mcpctl.dev/v1',
  kind: 'Release',
  repository: 'test.example',
  version: '1.2.0',
  sequence: 7,
  rootVersion: 1,
  manifest: { sha256: HEX, size: 12 },
  previous: { tag: 'v1.1.0', oid: OID, sequence: 6 },
};

describe('canonical JSON', () => {
  it('is one text for one value, and the same value', () => {
    const value = fc.jsonValue({ stringUnit: 'binary' }).filter(isWhole);
    fc.assert(
      fc.property(value, one => {
        expect(JSON.parse(canonicalJson(one))).toEqual(one);
      }),
    );
    expect(canonicalJson({ b: [1, 'x', null], a: { d: undefined, c: true } })).toBe(
      '{"a":{"c":true},"b":[1,"x",null]}',
    );
  });

  it('has no text for a number that is not whole', () => {
    expect(() => canonicalJson({ a: 0.5 })).toThrow();
  });
});

function isWhole(value: unknown): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0);
  return typeof value !== 'object' || value === null || Object.values(value).every(isWhole);
}

describe('what is parsed is what would be written', () => {
  const manifest = next([server('a')]).manifest;
  const samples: [string, string, (bytes: Buffer) => object][] = [
    ['a manifest', printManifest(manifest), parseManifest],
    ['a root', printRoot({ signed: root, signatures: [] }), bytes => parseRoot(bytes, 'the root')],
    ['a tag’s message', printReleaseMessage(message), parseReleaseMessage],
  ];

  it.each(samples)('%s', (_what, text, parse) => {
    expect(parse(Buffer.from(text))).toHaveProperty('value');
  });

  it.each(samples)('%s, with anything else in it, is refused', (_what, text, parse) => {
    const begin = text.indexOf('{');
    const variants = {
      'a key twice': text.replace('{', '{"kind":"x",'),
      'an unknown key': text.replace('{', '{"a":1,'),
      'white space': text.replace('{', '{ '),
      'no line end': text.trimEnd(),
      'trailing data': `${text}x`,
      'a second line': `${text}\n`,
      'an escaped letter': text.replace('test.example', '\\u0074est.example'),
      'a byte order mark': `${text.slice(0, begin)}\ufeff${text.slice(begin)}`,
      'a prototype': text.replace('{', '{"__proto__":{},'),
      nothing: '',
    };
    const accepted = Object.entries(variants).filter(([, variant]) => 'value' in parse(Buffer.from(variant)));
    expect(accepted).toEqual([]);
    expect(parse(Buffer.concat([Buffer.from(text), Buffer.from([0xff])]))).toHaveProperty('problem');
  });
});

describe('a root', () => {
  const refused = (change: object) => {
    const text = printRoot({ signed: { ...root, ...change } as Root, signatures: [] });
    return parseRoot(Buffer.from(text), 'the root');
  };
  it.each<[string, object]>([
    ['a key under another name', { keys: { [`SHA256:${'A'.repeat(43)}`]: key } }],
    ['a role with a key that is not there', { keys: {} }],
    ['a threshold of none', { roles: { ...root.roles, root: { keys: [KEY], threshold: 0 } } }],
    ['a threshold above its keys', { roles: { ...root.roles, root: { keys: [KEY], threshold: 2 } } }],
    ['a key twice in a role', { roles: { ...root.roles, root: { keys: [KEY, KEY], threshold: 2 } } }],
    ['nobody who may release', { roles: { ...root.roles, release: { keys: [], threshold: 1 } } }],
    ['two signatures on a release', { roles: { ...root.roles, release: { keys: [KEY], threshold: 2 } } }],
    ['version 0', { version: 0 }],
    ['another kind', { kind: 'Manifest' }],
  ])('with %s is none', (_what, change) => {
    expect(refused(change)).toMatchObject({ problem: { code: 'ROOT_INVALID' } });
  });

  it('may have nobody who renews', () => {
    expect(refused({ roles: { ...root.roles, renew: { keys: [], threshold: 1 } } })).toHaveProperty('value');
  });

  it('is signed without its signatures', () => {
    expect(rootPayload(root).toString()).not.toContain('signatures');
  });

  it('has a fingerprint that signatures do not change', () => {
    expect(rootFingerprint(root)).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(rootFingerprint({ ...root, version: 2 })).not.toBe(rootFingerprint(root));
  });
});

describe('a release’s message', () => {
  it('may have 4096 bytes, and not one more', () => {
    expect(MAX_MESSAGE_BYTES).toBe(4096);
    const bytes = Buffer.from(printReleaseMessage(message));
    const long = Buffer.concat([bytes, Buffer.alloc(4097 - bytes.length, 0x20)]);
    expect(parseReleaseMessage(long)).toMatchObject({ problem: { message: expect.stringContaining('4097 bytes') } });
  });

  it('has the version in its first line', () => {
    const other = printReleaseMessage(message).replace('Release v1.2.0', 'Release v1.2.1');
    expect(parseReleaseMessage(Buffer.from(other))).toHaveProperty('problem');
  });
});

describe('a manifest', () => {
  it('keeps the version of what did not change, and raises the others’', () => {
    const first = next([server('a'), server('b')]);
    expect(first.changes.map(({ id, after }) => [id, after])).toEqual([
      ['server/a', '0.1.0'],
      ['server/b', '0.1.0'],
    ]);
    const second = next([server('a'), server('b', '2'), server('c')], first.manifest, {
      'server/a': { bump: 'major' },
      'server/b': { bump: 'minor' },
      'server/c': { version: '3.0.0' },
    });
    expect(second.manifest.resources.map(({ id, version }) => [id, version])).toEqual([
      ['server/a', '0.1.0'],
      ['server/b', '0.2.0'],
      ['server/c', '3.0.0'],
    ]);
    expect(next([server('a'), server('b', '2'), server('c')], second.manifest).manifest).toEqual(second.manifest);
  });

  it('gives no version twice, not even to what was away', () => {
    const first = next([server('a'), server('b')]).manifest;
    const without = next([server('a')], first);
    expect(without.changes).toEqual([{ id: 'server/b', change: 'removed', before: '0.1.0' }]);
    const back = next([server('a'), server('b')], without.manifest);
    expect(back.changes).toEqual([{ id: 'server/b', change: 'changed', before: '0.1.0', after: '0.1.1' }]);
    expect(back.manifest.removed).toEqual([]);
  });

  it.each(['0.1.0', '0.0.9', 'x', '1.0', '1.0.0+build'])('refuses the version %s after 0.1.0', version => {
    const first = next([server('a')]).manifest;
    const { problems } = next([server('a', '2')], first, { 'server/a': { version } });
    expect(problems).toMatchObject([{ code: 'VERSION_REFUSED', resource: 'server/a' }]);
  });

  it('has its place, and its limit', () => {
    expect([MANIFEST_PATH, ROOT_FOLDER]).toEqual(['.mcpctl/manifest.json', 'trust/root']);
    expect(parseManifest(Buffer.alloc(MAX_MANIFEST_BYTES + 1))).toHaveProperty('problem');
  });

  it('is printed in canonical form, whatever its paths', () => {
    const odd = ['a"b', 'ü/é', '\u{1f600}', 'a b', "c'd", 'e\u2030']
      .map(file)
      .sort((a, b) => (a.path < b.path ? -1 : 1));
    const { manifest } = next([server('a'), server('b')], next([server('c')]).manifest);
    const whole = { ...manifest, files: odd };
    expect(printManifest(whole)).toBe(`${canonicalJson(whole)}\n`);
    expect(parseManifest(Buffer.from(printManifest(whole)))).toEqual({ value: whole });
  });

  it('names every file once', () => {
    const { manifest } = next([server('b'), server('a')]);
    expect([...(manifestFiles(manifest)?.keys() ?? [])].sort()).toEqual([
      'servers/a.yaml',
      'servers/b.yaml',
      'trust/root/1.json',
    ]);
    expect(manifestFiles({ ...manifest, files: [file('servers/a.yaml')] })).toBeUndefined();
  });

  it.each(['../x', '/x', 'a//b', 'a/./b', 'a/.git/x', 'a\\b', 'a\nb', ''])('has no file %j', path => {
    const { manifest } = next([server('a')]);
    const text = printManifest({ ...manifest, files: [file(path)] });
    expect(parseManifest(Buffer.from(text))).toMatchObject({ problem: { code: 'MANIFEST_INVALID' } });
  });
});

describe('the digest of a skill', () => {
  it('depends on paths, modes and contents, in any order', () => {
    const one = { path: 'SKILL.md', mode: '100644', sha256: HEX } as const;
    const two = { path: 'run.sh', mode: '100755', sha256: HEX } as const;
    expect(bundleDigest([one, two])).toBe(bundleDigest([two, one]));
    expect(bundleDigest([one, { ...two, mode: '100644' }])).not.toBe(bundleDigest([one, two]));
  });
});

describe('versions', () => {
  it('are raised by the largest bump', () => {
    const bump = largestBump(['patch', undefined, 'minor']) ?? 'patch';
    expect([bump, raise('1.2.3', bump), largestBump([])]).toEqual(['minor', '1.3.0', undefined]);
    expect([isBump('major'), isBump('huge')]).toEqual([true, false]);
    expect([bumpBetween(undefined, '0.1.0'), bumpBetween('1.2.0', '1.2.1'), bumpBetween('1.9.0', '2.0.0')]).toEqual([
      'minor',
      'patch',
      'major',
    ]);
  });

  it('are in the names of releases', () => {
    expect(
      ['v1.2.3', 'v1.0.0-rc.1', '1.2.3', 'v1.2', 'v01.2.3', 'v1.2.3+x', 'version', 'v'].map(releaseVersion),
    ).toEqual(['1.2.3', '1.0.0-rc.1', undefined, undefined, undefined, undefined, undefined, undefined]);
    expect(isVersion(`1.0.${'1'.repeat(100)}`)).toBe(false);
    expect(compareVersions('0.9.0', '0.10.0')).toBeLessThan(0);
  });

  it('are hinted at by trailers, the largest bump and the last version', () => {
    expect(
      hintOf([
        ['Bump', 'minor'],
        ['bump', 'Patch'],
        ['Bump', 'enormous'],
        ['Signed-off-by', 'major'],
      ]),
    ).toEqual({
      bump: 'minor',
    });
    expect(hintOf([['Version', 'v2.0.0']])).toEqual({ version: '2.0.0' });
  });
});
