import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Mark,
  ROOT_NAMESPACE,
  type RootChain,
  readContent,
  signWithKey,
  type Verdict,
  type VerifyOptions,
  verifyRelease,
  type Workshop,
  writeReleaseCommit,
  writeReleaseTag,
} from '../repo/trust/index.ts';
import {
  assemble,
  keyId,
  type Manifest,
  nextManifest,
  parseFile,
  printManifest,
  printRoot,
  type ReleaseMessage,
  type Root,
  type RootDocument,
  rootPayload,
} from '../schema/index.ts';
import { type TempRepository, tempRepository } from './temp-repository.ts';

const IDENT = 'Test <test@example.com> 1700000000 +0000';
const env = { PATH: process.env.PATH, HOME: '/nonexistent' };

/** A key pair on disk. */
export interface Key {
  file: string;
  id: string;
  /** `<type> <base64>` */
  text: string;
  name: string;
}

/** Make a key with ssh-keygen. */
export function makeKey(folder: string, name: string, type = 'ed25519', bits?: number): Key {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, name);
  const args = [
    '-q',
    '-t',
    type,
    ...(bits === undefined ? [] : ['-b', String(bits)]),
    '-N',
    '',
    '-C',
    name,
    '-f',
    file,
  ];
  execFileSync('ssh-keygen', args, { stdio: 'pipe' });
  const text = readFileSync(`${file}.pub`, 'utf8').trim().split(' ').slice(0, 2).join(' ');
  return { file, id: keyId(text), text, name };
}

/** A root document, signed by these keys. */
export async function makeRoot(
  version: number,
  roles: { root: Key[]; release: Key[]; renew?: Key[]; threshold?: number },
  signers: readonly Key[],
  repository = 'test.example',
): Promise<RootDocument> {
  const all = new Map([...roles.root, ...roles.release, ...(roles.renew ?? [])].map(key => [key.id, key]));
  const role = (keys: readonly Key[], threshold = 1) => ({ keys: keys.map(({ id }) => id).sort(), threshold });
  const signed: Root = {
    apiVersion: 'mcpctl.dev/v1',
    kind: 'Root',
    repository,
    version,
    keys: Object.fromEntries([...all.values()].map(({ id, text, name }) => [id, { key: text, name }])),
    roles: { root: role(roles.root, roles.threshold), release: role(roles.release), renew: role(roles.renew ?? []) },
  };
  return { signed, signatures: await signatures(signed, signers) };
}

async function signatures(signed: Root, signers: readonly Key[], namespace = ROOT_NAMESPACE) {
  const made = signers.map(async key => {
    const { armour } = await signWithKey(key.file, namespace, rootPayload(signed), env);
    return { key: key.id, signature: armour.split('\n').slice(1, -2).join('') };
  });
  return (await Promise.all(made)).sort((a, b) => (a.key < b.key ? -1 : 1));
}

export interface ReleaseWish {
  version: string;
  sequence: number;
  key?: Key;
  /** Changes what is signed. */
  message?: Partial<ReleaseMessage>;
  manifest?: (manifest: Manifest) => string;
  /** Of the commit that is released; the newest unless given. */
  commit?: string;
  /** The name the tag is found by; `v<version>` unless given. */
  ref?: string;
  sign?: (payload: Buffer) => Promise<string>;
  /** Change the tag object's bytes after they were signed. */
  bytes?: (tag: Buffer) => Buffer;
  previous?: Release | undefined;
}

export interface Release {
  ref: string;
  tag: string;
  commit: string;
  message: ReleaseMessage;
  manifest: Manifest;
}

/** A repository that is released from, with real git objects and signatures. */
export class TrustScene {
  readonly repository: TempRepository;
  readonly workshop: Workshop;
  readonly keys: string;
  chain: RootChain | undefined;
  last: Release | undefined;

  constructor(files: Record<string, string> = {}) {
    this.repository = tempRepository();
    this.keys = mkdtempSync(join(tmpdir(), 'mcpctl-keys-'));
    this.workshop = { gitDir: join(this.repository.work, '.git'), path: '', env };
    this.repository.commit({
      'mcpctl.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n',
      'prompts/hello.md': '---\n---\nHello',
      ...files,
    });
  }

  /** Commit versions of the root. */
  addRoots(...documents: RootDocument[]): void {
    const files = documents.map(one => [`trust/root/${one.signed.version}.json`, printRoot(one)] as const);
    this.repository.commit(Object.fromEntries(files));
  }

  /** Make a release as `mcpctl release` does, or one that differs from it as wished. */
  async release(wish: ReleaseWish): Promise<Release> {
    const { version, sequence, key, previous = this.last } = wish;
    const parent = wish.commit ?? this.repository.git('rev-parse', 'HEAD');
    const manifest = await this.manifest(parent, previous?.manifest);
    const text = wish.manifest?.(manifest) ?? printManifest(manifest);
    const commit = await writeReleaseCommit(this.workshop, { parent, manifest: text, version, ident: IDENT });
    const message: ReleaseMessage = {
      apiVersion: 'mcpctl.dev/v1',
      kind: 'Release',
      repository: 'test.example',
      version,
      sequence,
      rootVersion: 1,
      manifest: { sha256: createHash('sha256').update(text).digest('hex'), size: Buffer.byteLength(text) },
      ...(previous && {
        previous: { tag: `v${previous.message.version}`, oid: previous.tag, sequence: previous.message.sequence },
      }),
      ...wish.message,
    };
    const sign = wish.sign ?? (async payload => (key ? (await signWithKey(key.file, 'git', payload, env)).armour : ''));
    let tag = await writeReleaseTag(this.workshop, { commit, message, ident: IDENT }, sign);
    if (wish.bytes) {
      const bytes = wish.bytes(execFileSync('git', ['cat-file', 'tag', tag], { cwd: this.repository.work }));
      tag = this.writeTag(bytes);
    }
    const ref = wish.ref ?? `v${version}`;
    this.repository.git('update-ref', `refs/tags/${ref}`, tag);
    const release = { ref: `refs/tags/${ref}`, tag, commit, message, manifest };
    this.last = release;
    return release;
  }

  /** Write a tag object as it is, even where git would not have made it. */
  writeTag(bytes: Buffer): string {
    const args = ['hash-object', '-t', 'tag', '-w', '--stdin', '--literally'];
    return execFileSync('git', args, { cwd: this.repository.work, input: bytes, encoding: 'utf8' }).trim();
  }

  private async manifest(commit: string, previous: Manifest | undefined): Promise<Manifest> {
    const tree = this.repository.git('ls-tree', '-r', '--name-only', commit).split('\n');
    const folders = tree.flatMap(path => (path.endsWith('/SKILL.md') ? [path.slice(0, -'/SKILL.md'.length)] : []));
    const { files, oids } = await readContent(this.workshop, commit, folders);
    const parsed = files.map(({ path, mode }) => {
      const oid = oids.get(path) ?? '';
      const bytes = execFileSync('git', ['cat-file', 'blob', oid], { cwd: this.repository.work });
      return parseFile({ path, oid, mode }, bytes);
    });
    const resources = assemble(parsed).flatMap(({ resource }) => resource ?? []);
    const content = { repository: 'test.example', resources, files, oid: (path: string) => oids.get(path) };
    return nextManifest(content, previous, new Map()).manifest;
  }

  verify(ref: string, more: Partial<VerifyOptions> = {}): Promise<Verdict> {
    if (!this.chain) throw new Error('no root is pinned');
    const now = Date.parse('2026-01-01T00:00:00Z');
    return verifyRelease({ ...this.workshop, ref, chain: this.chain, now, files: true, ...more });
  }

  /** What `git verify-tag` says, with these keys as allowed signers. */
  gitAccepts(ref: string, allowed: readonly Key[]): boolean {
    const signers = join(this.keys, 'allowed_signers');
    writeFileSync(signers, allowed.map(({ name, text }) => `${name} namespaces="git" ${text}\n`).join(''));
    const args = ['-c', 'gpg.format=ssh', '-c', `gpg.ssh.allowedSignersFile=${signers}`, 'verify-tag', ref];
    return spawnSync('git', args, { cwd: this.repository.work, stdio: 'pipe' }).status === 0;
  }

  remove(): void {
    this.repository.remove();
    rmSync(this.keys, { recursive: true, force: true });
  }
}

/** The mark that accepting a release leaves. */
export function markOf({ message, tag }: Release): Mark {
  const { rootVersion, sequence, version, manifest } = message;
  return { rootVersion, sequence, version, tag, manifest: manifest.sha256 };
}

/** The name of the check that failed first; `trusted` when none did. */
export function outcome({ trusted, checks }: Verdict): string {
  const failed = checks.find(({ result }) => result === 'failed');
  return trusted ? 'trusted' : (failed?.name ?? 'not trusted');
}
