import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printManifest, type ReleaseMessage } from '../../schema/index.ts';
import { type SoftSecurityKey, softSecurityKey } from '../../tests/security-key.ts';
import { type Key, makeKey, makeRoot, markOf, outcome, type Release, TrustScene } from '../../tests/trust-scene.ts';
import type { VerifyOptions } from './index.ts';
import { signWithKey } from './sign.ts';

const ENV = { PATH: process.env.PATH };
let scene: TrustScene;
let alice: Key;
let bob: Key;
let renewer: Key;
let rooter: Key;
let thief: Key;
let rsa: Key;
let ecdsa: Key;
let touched: SoftSecurityKey;
let touchedEcdsa: SoftSecurityKey;
let first: Release;

beforeAll(async () => {
  scene = new TrustScene();
  [alice, bob, renewer, rooter, thief] = ['alice', 'bob', 'renewer', 'rooter', 'thief'].map(name =>
    makeKey(scene.keys, name),
  ) as [Key, Key, Key, Key, Key];
  rsa = makeKey(scene.keys, 'rsa', 'rsa', 2048);
  ecdsa = makeKey(scene.keys, 'ecdsa', 'ecdsa', 384);
  touched = softSecurityKey('touched', 'ed25519');
  touchedEcdsa = softSecurityKey('touched-ecdsa', 'ecdsa');
  const release = [alice, bob, rsa, ecdsa, touched, touchedEcdsa];
  const one = await makeRoot(1, { root: [rooter], release, renew: [renewer] }, [rooter]);
  scene.addRoots(one);
  scene.chain = [one];
  first = await scene.release({ version: '0.1.0', sequence: 1, key: alice });
  scene.repository.commit({ 'prompts/second.md': '---\n---\nSecond' });
});
afterAll(() => scene.remove());

/** Everybody whom git would be told to allow: all who may release. */
const allowed = () => [alice, bob, rsa, ecdsa, renewer, touched, touchedEcdsa];
const armoured =
  (key: Key, namespace = 'git') =>
  async (payload: Buffer) =>
    (await signWithKey(key.file, namespace, payload, ENV)).armour;

type Made = { ref: string; verify?: Partial<VerifyOptions> };
interface Situation {
  make(): Promise<Made>;
  git: 'accepts' | 'rejects';
  /** The check that fails first; or `trusted`. */
  ours: string;
}

/** The next release, made in a way that differs. */
const next = (wish: Parameters<TrustScene['release']>[0] | object) => async (): Promise<Made> => {
  scene.last = first;
  return { ref: (await scene.release({ version: '0.2.0', sequence: 2, key: alice, ...wish })).ref };
};
const signed = (sign: (payload: Buffer) => Promise<string>) => next({ sign });
const saying = (message: Partial<ReleaseMessage>) => next({ message });
const replaced = (from: string, to: string) =>
  next({ bytes: (tag: Buffer) => Buffer.from(tag.toString('latin1').replace(from, to), 'latin1') });
/** Other bytes of the signature, base64 as it should be. */
const resealed = (change: (blob: Buffer) => Buffer) =>
  signed(async payload => {
    const armour = await armoured(alice)(payload);
    const blob = change(Buffer.from(armour.split('\n').slice(1, -2).join(''), 'base64'));
    return wrap(blob);
  });

/** The next release’s tag, its text changed before alice signed it. */
function resigned(change: (text: string) => string, ref = 'v0.2.0'): () => Promise<Made> {
  return async () => {
    await next({})();
    const tag = execFileSync('git', ['cat-file', 'tag', 'v0.2.0'], { cwd: scene.repository.work }).toString();
    const payload = Buffer.from(change(tag.slice(0, tag.indexOf('-----BEGIN'))));
    const oid = scene.writeTag(Buffer.concat([payload, Buffer.from(await armoured(alice)(payload))]));
    scene.repository.git('update-ref', `refs/tags/${ref}`, oid);
    return { ref: `refs/tags/${ref}` };
  };
}

function wrap(blob: Buffer): string {
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? [];
  return `-----BEGIN SSH SIGNATURE-----\n${lines.join('\n')}\n-----END SSH SIGNATURE-----\n`;
}

function swap(blob: Buffer, from: string, to: string): Buffer {
  const at = blob.indexOf(from);
  return Buffer.concat([blob.subarray(0, at), Buffer.from(to), blob.subarray(at + from.length)]);
}

const situations: Record<string, Situation> = {
  'the first release': { make: async () => ({ ref: first.ref }), git: 'accepts', ours: 'trusted' },
  'the next release': { make: next({}), git: 'accepts', ours: 'trusted' },
  'an RSA key': { make: () => next({ key: rsa })(), git: 'accepts', ours: 'trusted' },
  'an ECDSA key': { make: () => next({ key: ecdsa })(), git: 'accepts', ours: 'trusted' },
  'the second holder of a release key': { make: () => next({ key: bob })(), git: 'accepts', ours: 'trusted' },
  'a security key': {
    make: () => signed(async payload => touched.sign(payload))(),
    git: 'accepts',
    ours: 'trusted',
  },
  'a security key of the other kind': {
    make: () => signed(async payload => touchedEcdsa.sign(payload))(),
    git: 'accepts',
    ours: 'trusted',
  },
  'a security key that nobody touched': {
    make: () => signed(async payload => touched.sign(payload, 'git', 0))(),
    git: 'accepts',
    ours: 'signature',
  },
  'a security key, with something behind its signature': {
    make: () => signed(async payload => touched.sign(payload, 'git', 1, 'x'))(),
    git: 'rejects',
    ours: 'signature',
  },
  'a security key, for another namespace': {
    make: () => signed(async payload => touched.sign(payload, 'file'))(),
    git: 'rejects',
    ours: 'namespace',
  },
  'an unsigned tag': { make: signed(async () => ''), git: 'rejects', ours: 'signature' },
  'a lightweight tag': {
    make: async () => {
      scene.repository.git('tag', '--force', 'v0.2.0', first.commit);
      return { ref: 'refs/tags/v0.2.0' };
    },
    git: 'rejects',
    ours: 'object',
  },
  'no such tag': { make: async () => ({ ref: 'refs/tags/v9.9.9' }), git: 'rejects', ours: 'object' },
  'an unknown key': { make: () => next({ key: thief })(), git: 'rejects', ours: 'key' },
  'a key of another role': { make: () => next({ key: rooter })(), git: 'rejects', ours: 'key' },
  'a key that may only renew, on a new manifest': { make: () => next({ key: renewer })(), git: 'accepts', ours: 'key' },
  'a key that may only renew, on the same manifest': {
    make: async () => {
      const commit = scene.repository.git('rev-parse', `${first.commit}^`);
      return next({ key: renewer, commit })();
    },
    git: 'accepts',
    ours: 'trusted',
  },
  'a renewal of what this machine accepted, without the tag before': {
    make: async () => {
      const commit = scene.repository.git('rev-parse', `${first.commit}^`);
      const { ref } = await next({ key: renewer, commit })();
      return { ref, verify: { mark: markOf(first) } };
    },
    git: 'accepts',
    ours: 'trusted',
  },
  'signed for another namespace': { make: () => signed(armoured(alice, 'file'))(), git: 'rejects', ours: 'namespace' },
  'signed as a root would be': {
    make: () => signed(armoured(alice, 'mcpctl-root'))(),
    git: 'rejects',
    ours: 'namespace',
  },
  'the namespace rewritten': {
    make: () =>
      signed(async payload => {
        const armour = await armoured(alice, 'xyz')(payload);
        return wrap(swap(Buffer.from(armour.split('\n').slice(1, -2).join(''), 'base64'), 'xyz', 'git'));
      })(),
    git: 'rejects',
    ours: 'signature',
  },
  'a signature over another tag': {
    make: () => signed(async () => armoured(alice)(Buffer.from('something else')))(),
    git: 'rejects',
    ours: 'signature',
  },
  'a hash algorithm that is too weak': {
    make: resealed(blob => swap(blob, 'sha512', 'sha1__')),
    git: 'rejects',
    ours: 'signature',
  },
  'the other hash algorithm, rewritten': {
    make: resealed(blob => swap(blob, 'sha512', 'sha256')),
    git: 'rejects',
    ours: 'signature',
  },
  'one bit of the signature': {
    make: resealed(blob => {
      const changed = Buffer.from(blob);
      changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
      return changed;
    }),
    git: 'rejects',
    ours: 'signature',
  },
  'bytes behind the signature’s end, inside': {
    make: resealed(blob => Buffer.concat([blob, Buffer.from('more')])),
    git: 'rejects',
    ours: 'signature',
  },
  'a signature cut short': {
    make: resealed(blob => blob.subarray(0, blob.length - 10)),
    git: 'rejects',
    ours: 'signature',
  },
  'text behind the signature': {
    make: signed(async payload => `${await armoured(alice)(payload)}and more\n`),
    git: 'accepts',
    ours: 'signature',
  },
  'an empty line behind the signature': {
    make: signed(async payload => `${await armoured(alice)(payload)}\n`),
    git: 'accepts',
    ours: 'signature',
  },
  'the same signature twice': {
    make: signed(async payload => (await armoured(alice)(payload)).repeat(2)),
    git: 'rejects',
    ours: 'tag',
  },
  'signed by a thief first, then over both by a holder': {
    make: () =>
      signed(async payload => {
        const inner = await armoured(thief)(payload);
        return inner + (await armoured(alice)(Buffer.concat([payload, Buffer.from(inner)])));
      })(),
    git: 'accepts',
    ours: 'tag',
  },
  'base64 in one long line': {
    make: signed(async payload => {
      const lines = (await armoured(alice)(payload)).split('\n');
      return `${lines[0]}\n${lines.slice(1, -2).join('')}\n${lines.at(-2)}\n`;
    }),
    git: 'accepts',
    ours: 'signature',
  },
  'a tampered message': { make: replaced('"sequence":2', '"sequence":3'), git: 'rejects', ours: 'signature' },
  'a tampered object line': {
    make: next({
      bytes: (tag: Buffer) =>
        Buffer.from(tag.toString('latin1').replace(/^object \w+/, `object ${first.commit}`), 'latin1'),
    }),
    git: 'rejects',
    ours: 'signature',
  },
  'a renamed tag': { make: next({ ref: 'v9.0.0' }), git: 'accepts', ours: 'name' },
  'a moved tag: the old one under the new name': {
    make: async () => {
      scene.repository.git('update-ref', 'refs/tags/v0.3.0', first.tag);
      return { ref: 'refs/tags/v0.3.0' };
    },
    git: 'accepts',
    ours: 'name',
  },
  'a name that is no version': { make: next({ ref: 'latest' }), git: 'accepts', ours: 'name' },
  'a version that differs from the name': {
    make: resigned(text => text.replace('tag v0.2.0\n', 'tag v0.4.0\n'), 'v0.4.0'),
    git: 'accepts',
    ours: 'version',
  },
  'a replay from another repository': {
    make: saying({ repository: 'other.example' }),
    git: 'accepts',
    ours: 'repository',
  },
  'a root version that is not known': { make: saying({ rootVersion: 2 }), git: 'accepts', ours: 'root version' },
  'a rollback': {
    make: async () => {
      await next({})();
      return {
        ref: first.ref,
        verify: { mark: { ...markOf(first), sequence: 2, version: '0.2.0', tag: 'f'.repeat(40) } },
      };
    },
    git: 'accepts',
    ours: 'sequence',
  },
  'two releases with one sequence': {
    make: async () => {
      const made = await next({})();
      return { ...made, verify: { mark: { ...markOf(first), sequence: 2, tag: 'f'.repeat(40) } } };
    },
    git: 'accepts',
    ours: 'sequence',
  },
  'a higher sequence with a lower version': {
    make: async () => {
      const made = await next({})();
      return { ...made, verify: { mark: { ...markOf(first), version: '0.2.0' } } };
    },
    git: 'accepts',
    ours: 'version',
  },
  'an absurd sequence': { make: next({ sequence: 2 ** 40 }), git: 'accepts', ours: 'sequence' },
  'a first release that is the second': {
    make: saying({ previous: undefined } as unknown as Partial<ReleaseMessage>),
    git: 'accepts',
    ours: 'sequence',
  },
  'a version below the one before': {
    make: async () => {
      scene.last = first;
      return { ref: (await scene.release({ version: '0.0.9', sequence: 2, key: alice })).ref };
    },
    git: 'accepts',
    ours: 'version',
  },
  'an expired release': { make: saying({ expires: '2025-12-31T00:00:00Z' }), git: 'accepts', ours: 'expiry' },
  'one that has not expired yet': {
    make: saying({ expires: '2026-06-30T00:00:00Z' }),
    git: 'accepts',
    ours: 'trusted',
  },
  'a manifest that is not the one signed': {
    make: saying({ manifest: { sha256: '0'.repeat(64), size: 10 } }),
    git: 'accepts',
    ours: 'manifest',
  },
  'a manifest without one of the files': {
    make: next({
      manifest: (one: Release['manifest']) =>
        printManifest({ ...one, resources: one.resources.filter(({ id }) => id !== 'prompt/second') }),
    }),
    git: 'accepts',
    ours: 'tree',
  },
  'a manifest with a file too many': {
    make: next({
      manifest: (one: Release['manifest']) =>
        printManifest({
          ...one,
          files: [{ path: 'servers/x.yaml', mode: '100644', size: 1, sha256: '0'.repeat(64) }, ...one.files],
        }),
    }),
    git: 'accepts',
    ours: 'tree',
  },
  'a manifest with another mode': {
    make: next({ manifest: (one: Release['manifest']) => printManifest(one).replace('"100644"', '"100755"') }),
    git: 'accepts',
    ours: 'tree',
  },
  'a manifest with another content': {
    make: next({
      manifest: (one: Release['manifest']) =>
        printManifest(one).replace(/"sha256":"[0-9a-f]{64}"/, `"sha256":"${'0'.repeat(64)}"`),
    }),
    git: 'accepts',
    ours: 'files',
  },
  'a manifest with white space in it': {
    make: next({ manifest: (one: Release['manifest']) => JSON.stringify(one, undefined, 1) }),
    git: 'accepts',
    ours: 'manifest',
  },
  'a manifest of another repository': {
    make: next({ manifest: (one: Release['manifest']) => printManifest({ ...one, repository: 'other.example' }) }),
    git: 'accepts',
    ours: 'manifest',
  },
  'a message over its limit': {
    make: saying({ previous: { tag: `v1.0.0-${'x'.repeat(5000)}`, oid: 'a'.repeat(40), sequence: 1 } }),
    git: 'accepts',
    ours: 'message',
  },
  'a message that imitates a verdict': {
    make: resigned(text => `${text}Good "git" signature for alice\n`),
    git: 'accepts',
    ours: 'message',
  },
  'a message that imitates a verdict, unsigned': {
    make: async () => {
      const text =
        'Good "git" signature for alice with ED25519 key SHA256:x\n\n-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n';
      writeFileSync(join(scene.keys, 'message'), text);
      scene.repository.git(
        'tag',
        '--force',
        '--annotate',
        '--file',
        join(scene.keys, 'message'),
        'v0.2.0',
        first.commit,
      );
      return { ref: 'refs/tags/v0.2.0' };
    },
    git: 'rejects',
    ours: 'signature',
  },
  'a further header in the tag': {
    make: resigned(text => text.replace('\n\n', '\nencoding UTF-7\n\n')),
    git: 'accepts',
    ours: 'tag',
  },
  'a tagger that is not one line': {
    make: resigned(text => text.replace('\ntagger ', '\ntagger Alice <a@example.com> 1 +0000\ntagger ')),
    git: 'accepts',
    ours: 'tag',
  },
  'a signed tag on a tree': {
    make: async () => {
      const tree = scene.repository.git('rev-parse', `${first.commit}^{tree}`);
      const payload = Buffer.from(`object ${tree}\ntype tree\ntag v0.2.0\ntagger Test <t@example.com> 1 +0000\n\nx\n`);
      const oid = scene.writeTag(Buffer.concat([payload, Buffer.from(await armoured(alice)(payload))]));
      scene.repository.git('update-ref', 'refs/tags/v0.2.0', oid);
      return { ref: 'refs/tags/v0.2.0' };
    },
    git: 'accepts',
    ours: 'tag',
  },
  'a signed tag that git made, which is no release': {
    make: async () => {
      scene.repository.git(
        '-c',
        'gpg.format=ssh',
        '-c',
        `user.signingKey=${alice.file}`,
        'tag',
        '--force',
        '--sign',
        '--message=Release v0.2.0',
        'v0.2.0',
        first.commit,
      );
      return { ref: 'refs/tags/v0.2.0' };
    },
    git: 'accepts',
    ours: 'message',
  },
};

describe('releases, beside git’s own verdict', () => {
  it.each(Object.entries(situations))('%s', async (_what, { make, git, ours }) => {
    const { ref, verify } = await make();
    expect(scene.gitAccepts(ref, allowed()) ? 'accepts' : 'rejects', 'git').toBe(git);
    const verdict = await scene.verify(ref, verify);
    expect(outcome(verdict), JSON.stringify(verdict.checks)).toBe(ours);
    if (git === 'rejects') expect(verdict.trusted).toBe(false);
  });
});

it('a tag that is moved while it is read is not trusted', async () => {
  const { ref } = await next({})();
  const tag = scene.repository.git('rev-parse', ref);
  const verdict = await scene.verify(ref, { env: { ...ENV, PATH: movingGit(ref, first.tag) } });
  expect([verdict.trusted, verdict.tag, outcome(verdict)]).toEqual([false, tag, 'unmoved']);
});

/** A search path on which git moves a ref when it is asked for a manifest, and answers as git does. */
function movingGit(ref: string, to: string): string {
  const folder = join(scene.keys, 'moving');
  const git = execFileSync('/bin/sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const program = `#!${process.execPath}
    const { execFileSync, spawn } = require('node:child_process');
    const [git, work, ref, to] = ${JSON.stringify([git, scene.repository.work, ref, to])};
    const child = spawn(git, process.argv.slice(2), { stdio: ['pipe', 'inherit', 'inherit'] });
    process.stdin.on('data', chunk => {
      if (chunk.includes('manifest.json')) execFileSync(git, ['-C', work, 'update-ref', ref, to]);
      child.stdin.write(chunk);
    });
    process.stdin.on('end', () => child.stdin.end());
    child.on('exit', code => process.exit(code ?? 1));
  `;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'git'), program, { mode: 0o755 });
  return [folder, process.env.PATH].join(delimiter);
}
