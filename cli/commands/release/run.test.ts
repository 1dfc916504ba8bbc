import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mcpctl, type Outcome } from '../../../tests/command-line.ts';
import { type TempRepository, tempRepository } from '../../../tests/temp-repository.ts';
import { type Key, makeKey } from '../../../tests/trust-scene.ts';

let repository: TempRepository;
let home: string;
let alice: Key;
let thief: Key;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'mcpctl-home-'));
  writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = Alice\n\temail = alice@example.com\n');
  alice = makeKey(join(home, 'keys'), 'alice');
  thief = makeKey(join(home, 'keys'), 'thief');
  repository = tempRepository({
    'mcpctl.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n',
    'prompts/one.md': '---\n---\nOne',
    'prompts/two.md': '---\n---\nTwo',
    'skills/s/SKILL.md': '---\nname: s\ndescription: A skill\n---\nText',
    'skills/s/run.sh': 'echo hello',
  });
  await run('trust', 'init', '--sign-key', alice.file);
  repository.commit({});
});
afterEach(() => {
  repository.remove();
  rmSync(home, { recursive: true, force: true });
});

function run(...argv: string[]): Promise<Outcome> {
  return runIn(repository.work, ...argv);
}

function runIn(cwd: string, ...argv: string[]): Promise<Outcome> {
  return mcpctl(argv, { cwd, env: { PATH: process.env.PATH, HOME: home, MCPCTL_HOME: home, ...config() } });
}

const config = () => ({ GIT_CONFIG_GLOBAL: join(home, '.gitconfig'), GIT_CONFIG_NOSYSTEM: '1' });
const release = (...argv: string[]) => run('release', '--sign-key', alice.file, ...argv);
const remoteTags = () =>
  execFileSync('git', ['tag'], { cwd: repository.bare, encoding: 'utf8' }).split('\n').filter(Boolean);
const localTags = () => repository.git('tag').split('\n').filter(Boolean);

describe('mcpctl release', () => {
  it('signs what HEAD has, and says what it will be before', async () => {
    const dry = await release('--dry-run');
    expect([dry.code, localTags()]).toEqual([0, []]);
    expect(dry.stdout).toContain('sequence  1, the first');
    const made = await release('--push');
    expect(made.code, made.stderr).toBe(0);
    expect(made.stdout).toBe(dry.stdout);
    expect(remoteTags()).toEqual([
      'mcpctl/v0.1.0',
      'prompts/one/v0.1.0',
      'prompts/two/v0.1.0',
      'release/1.1',
      'skills/s/v0.1.0',
      'v0.1.0',
    ]);
    const parent = repository.git('rev-parse', 'v0.1.0^{commit}^');
    expect(parent).toBe(repository.git('rev-parse', 'HEAD'));
    expect(repository.git('diff', '--name-only', 'HEAD', 'v0.1.0')).toBe('.mcpctl/manifest.json');
  });

  it('is what the revisions of a resource are named by, with a verdict', async () => {
    await release();
    repository.commit({ 'prompts/one.md': '---\n---\nEins' }, 'One\n\nBump: minor');
    await release();
    repository.commit({ 'prompts/one.md': '---\n---\nUno' }, 'One again');
    const fingerprint = /sha256:[0-9a-f]{64}/.exec((await run('trust', 'show')).stdout)?.[0] ?? '';
    expect((await run('trust', 'add', '.', '--fingerprint', fingerprint)).code).toBe(0);
    const { stdout } = await run('get', 'revisions', 'prompt', 'one', '-o', 'json');
    const listed: Record<string, string>[] = JSON.parse(stdout);
    expect(listed.map(({ version, release: name = '-', verdict = '-' }) => [version, name, verdict])).toEqual([
      [expect.stringMatching(/^0\.2\.0\+1\.g[0-9a-f]{7}$/), '-', '-'],
      ['0.2.0', 'v0.2.0', 'trusted'],
      ['0.1.0', 'v0.1.0', 'trusted'],
    ]);
    const old = await run('get', 'prompt', 'one', '--at', 'v0.1.0', '-o', 'json');
    expect(JSON.parse(old.stdout)[0].spec.content).toBe('One');
  });

  it('raises each resource by the largest hint of its commits', async () => {
    await release();
    repository.commit({ 'prompts/one.md': '---\n---\nEins' }, 'One\n\nBump: minor');
    repository.commit({ 'prompts/one.md': '---\n---\nUno' }, 'One again\n\nBump: patch');
    repository.commit({ 'skills/s/run.sh': 'echo bye' }, 'Skill\n\nVersion: 2.0.0');
    repository.commit({ 'prompts/two.md': '---\n---\nZwei' }, 'Two');
    const { stdout, code } = await release('-o', 'json');
    expect(code).toBe(0);
    const { changes, release: said, hints } = JSON.parse(stdout);
    expect(changes.map(({ id, after }: { id: string; after: string }) => `${id} ${after}`)).toEqual([
      'prompt/one 0.2.0',
      'prompt/two 0.1.1',
      'skill/s 2.0.0',
    ]);
    expect([said.version, said.sequence, said.previous.tag, hints.length]).toEqual(['1.0.0', 2, 'v0.1.0', 3]);
  });

  it('takes what --bump says instead', async () => {
    await release();
    repository.commit({ 'prompts/one.md': '---\n---\nEins' }, 'One\n\nBump: major');
    const { stdout } = await release('--dry-run', '-o', 'json', '--bump', 'prompt/one=minor', '--bump', 'patch');
    const { changes, release: said } = JSON.parse(stdout);
    expect([changes[0].after, said.version]).toEqual(['0.2.0', '0.1.1']);
  });

  it('makes the same manifest whoever makes it', async () => {
    const dry = await release('--dry-run');
    const clone = join(home, 'clone');
    execFileSync('git', ['clone', '--quiet', repository.bare, clone]);
    const other = await runIn(clone, 'release', '--dry-run', '--sign-key', thief.file);
    expect(other.stdout).toBe(dry.stdout);
  });

  const refusals: Record<
    string,
    { before?: () => Promise<unknown>; argv?: string[]; key?: () => Key; code: number; says: string }
  > = {
    'a key that may not sign': { key: () => thief, code: 5, says: 'nothing was tagged: key' },
    'a key that is not there': { argv: ['--sign-key', '/nonexistent/key'], code: 1, says: 'SIGNING_FAILED' },
    'a version that is none': { argv: ['one'], code: 1, says: 'VERSION_REFUSED' },
    'a version with build metadata': { argv: ['1.0.0+x'], code: 1, says: 'VERSION_REFUSED' },
    'a version that is not above the last': {
      before: () => release('1.0.0'),
      argv: ['0.9.0'],
      code: 1,
      says: 'Leave it out, or give one above 1.0.0',
    },
    'a resource’s version that is not above the last': {
      before: () => release(),
      argv: ['--bump', 'prompt/one=0.1.0'],
      code: 1,
      says: '0.1.0 is not above 0.1.0',
    },
    'a bump of something that is not there': {
      argv: ['--bump', 'prompt/nine=minor'],
      code: 2,
      says: '`prompt/nine` has not changed',
    },
    'a bump that is none': { argv: ['--bump', 'huge'], code: 2, says: 'not understood' },
    'an expiry that is none': { argv: ['--expires', 'soon'], code: 2, says: 'not a duration' },
    'a remote that looks like an option': {
      argv: ['--push', '--remote', '--upload-pack=x'],
      code: 2,
      says: 'not the name of a remote',
    },
    'a commit that is not valid': {
      before: async () => repository.commit({ 'servers/x.yaml': 'nonsense' }),
      code: 1,
      says: 'servers/x.yaml',
    },
    'a root that does not hold': {
      before: async () =>
        repository.commit({
          'trust/root/2.json': `${repository.git('show', 'HEAD:trust/root/1.json').replace('"version":1', '"version":2')}\n`,
        }),
      code: 5,
      says: 'ROOT_INVALID',
    },
    'a previous release that is not there': { argv: ['--previous', 'v7.0.0'], code: 1, says: 'RELEASE_UNKNOWN' },
    'a renewal of nothing': { argv: ['--renew'], code: 1, says: 'no release yet' },
  };
  it.each(Object.entries(refusals))(
    'refuses %s, and tags nothing',
    async (_what, { before, argv = [], key, code, says }) => {
      await before?.();
      if (before) repository.commit({ 'prompts/one.md': '---\n---\nEins' });
      const tags = localTags();
      const remote = remoteTags();
      const outcome = await run('release', '--sign-key', (key?.() ?? alice).file, ...argv);
      expect(outcome.stderr).toContain(says);
      expect(outcome.code).toBe(code);
      expect([localTags(), remoteTags()]).toEqual([tags, remote]);
    },
  );

  it('has nothing to release when nothing changed, and pushes what was not pushed', async () => {
    await release();
    expect(await release()).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing changed since v0.1.0') });
    expect(remoteTags()).toEqual([]);
    expect((await release('--push')).code).toBe(0);
    expect(remoteTags()).toContain('v0.1.0');
    expect(remoteTags()).toContain('release/1.1');
  });

  it('of two at once lets one win, whatever versions they chose', async () => {
    await release('--push');
    const clone = join(home, 'clone');
    execFileSync('git', ['clone', '--quiet', repository.bare, clone]);
    repository.commit({ 'prompts/one.md': '---\n---\nEins' });
    writeFileSync(join(clone, 'prompts/two.md'), '---\n---\nZwei');
    execFileSync('git', ['-c', 'user.name=Bob', '-c', 'user.email=b@example.com', 'commit', '-qam', 'Two'], {
      cwd: clone,
    });
    // Both looked before either pushed: this one without asking the remote again.
    const draft = await runIn(clone, 'release', '0.9.0', '--sign-key', alice.file);
    expect(draft.code, draft.stderr).toBe(0);
    expect((await release('0.5.0', '--push')).code).toBe(0);
    const refs = ['v0.9.0', 'release/1.2'].map(name => `refs/tags/${name}:refs/tags/${name}`);
    expect(() =>
      execFileSync('git', ['push', '--quiet', '--atomic', 'origin', ...refs], { cwd: clone, stdio: 'pipe' }),
    ).toThrow();
    const late = await runIn(clone, 'release', '--push', '--sign-key', alice.file);
    expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining('RELEASE_RACED') });
    expect(remoteTags().filter(tag => /^(?:v|release)/.test(tag))).toEqual([
      'release/1.1',
      'release/1.2',
      'v0.1.0',
      'v0.5.0',
    ]);
  });

  it('signs with a key of the ssh-agent, of which only the public half is on the disk', async () => {
    const socket = join(home, 'agent');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      while (!existsSync(socket)) await new Promise(resolve => setTimeout(resolve, 20));
      const env = { PATH: process.env.PATH, SSH_AUTH_SOCK: socket };
      execFileSync('ssh-add', ['-q', alice.file], { env, stdio: 'pipe' });
      renameSync(alice.file, join(home, 'elsewhere'));
      const options = { cwd: repository.work, env: { ...env, HOME: home, MCPCTL_HOME: home, ...config() } };
      for (const key of [`${alice.file}.pub`, `key::${alice.text}`]) {
        const made = await mcpctl(['release', '--sign-key', key], options);
        expect(made.code, made.stderr).toBe(0);
        repository.commit({ 'prompts/one.md': `---\n---\n${key}` });
      }
      expect(localTags()).toEqual(['release/1.1', 'release/1.2', 'v0.1.0', 'v0.1.1']);
    } finally {
      agent.kill();
    }
  });

  it('does not follow what a thief released, once the key is taken away', async () => {
    await run('trust', 'rotate', '--add', `release=${thief.file}.pub`, '--sign-key', alice.file);
    repository.commit({});
    await release();
    repository.commit({ 'prompts/one.md': '---\n---\nTheirs' });
    await run('release', '99.0.0', '--sign-key', thief.file);
    await run('trust', 'rotate', '--remove', 'thief', '--sign-key', alice.file);
    repository.commit({});
    const made = await release();
    expect(made.stderr).toContain('passed over v99.0.0: key: thief’s was taken away by version 3 of the root');
    expect(localTags()).toContain('v0.1.1');
    expect(repository.git('cat-file', 'tag', 'v0.1.1')).toContain('"sequence":2');
  });

  it('releases nothing that machines would refuse', async () => {
    const server = 'apiVersion: mcpctl.dev/v1\nkind: Server\nspec:\n  transport: stdio\n';
    const yaml = 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n  trust: { mode: release }\n';
    const tries: [string, string][] = [
      [`${server}  command: [node, x.js]\n`, 'ISOLATION_REQUIRED'],
      [`${server}  image: example/server:latest\n`, 'IMAGE_REFUSED'],
      [`${server}  package: { registry: npm, identifier: x, version: 1.0.0 }\n`, 'PACKAGE_NOT_LOCKED'],
    ];
    for (const [text, code] of tries) {
      repository.commit({ 'mcpctl.yaml': yaml, 'servers/x.yaml': text });
      expect(await release()).toMatchObject({ code: 1, stderr: expect.stringContaining(code) });
    }
    expect(localTags()).toEqual([]);
    const spelledOut = {
      'mcpctl.yaml': `${yaml}  requireIsolation: false\n`,
      'servers/x.yaml': `${server}  command: [node, x.js]\n`,
    };
    repository.commit(spelledOut);
    expect((await release()).code).toBe(0);
  });

  it('judges by the runtime that mcpctl.yaml names, and says which one that is', async () => {
    const yaml = (more: string) =>
      `apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n  trust: { mode: release }\n${more}`;
    const server = (more: string) =>
      `apiVersion: mcpctl.dev/v1\nkind: Server\nspec:\n  transport: stdio\n  command: [node, x.js]\n${more}`;
    repository.commit({ 'mcpctl.yaml': yaml(''), 'servers/x.yaml': server('') });
    const refused = await release();
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining('name no runtime are taken to run on `process`'),
    ]);
    repository.commit({ 'mcpctl.yaml': yaml('  release: { runtime: docker }\n') });
    expect((await release('--dry-run')).code).toBe(0);
    // One that says itself where it runs is not judged by what the machines do with the others.
    repository.commit({ 'servers/x.yaml': server('  runtime: process\n') });
    expect(await release()).toMatchObject({ code: 1, stderr: expect.stringContaining('ISOLATION_REQUIRED') });
  });

  it('renews: the same manifest, a later expiry', async () => {
    await release();
    const { stdout, code } = await release('--renew', '--expires', '30d', '-o', 'json');
    const { release: said } = JSON.parse(stdout);
    expect([code, said.version, said.sequence]).toEqual([0, '0.1.1', 2]);
    expect(repository.git('rev-parse', 'v0.1.1^{commit}')).toBe(repository.git('rev-parse', 'v0.1.0^{commit}'));
    expect(Date.parse(said.expires)).toBeGreaterThan(Date.now() + 29 * 86_400_000);
  });

  it('passes over a tag that is no release, and says so', async () => {
    await release();
    repository.git('tag', 'v9.0.0');
    repository.commit({ 'prompts/one.md': '---\n---\nEins' });
    const made = await release();
    expect(made.stderr).toContain('passed over v9.0.0: object');
    expect(localTags()).toContain('v0.1.1');
  });

  it('leaves resource tags out where the repository says so', async () => {
    appendFileSync(join(repository.work, 'mcpctl.yaml'), '  release: { resourceTags: false }\n');
    repository.commit({});
    await release('--push');
    expect(remoteTags()).toEqual(['release/1.1', 'v0.1.0']);
  });
});

describe('the versions of many resources', () => {
  it('are named in batches, and the rest of them by the next push', async () => {
    const many = Array.from({ length: 230 }, (_, index) => [`prompts/p${index}.md`, '---\n---\nText']);
    repository.commit(Object.fromEntries(many));
    // The remote takes the release, and the names until it has had enough of them.
    const hook = join(repository.bare, 'hooks', 'pre-receive');
    const enough = `#!/bin/sh\n[ "$(git tag | wc -l)" -lt 150 ] || { echo enough >&2; exit 1; }\n`;
    writeFileSync(hook, enough, { mode: 0o755 });
    const stopped = await release('--push');
    expect(stopped.stderr).toContain('not every version is tagged');
    const some = remoteTags().length;
    expect([some > 100, some < 230, remoteTags().includes('v0.1.0')]).toEqual([true, true, true]);
    rmSync(hook);
    const { code, stderr } = await release('--push');
    expect(code, stderr).toBe(0);
    expect(remoteTags().filter(tag => /^prompts\/p\d+\/v0\.1\.0$/.test(tag))).toHaveLength(230);
    expect(remoteTags().filter(tag => tag.startsWith('v'))).toEqual(['v0.1.0']);
  });
});

describe('mcpctl rollback', () => {
  it('releases earlier content again, and keeps the root', async () => {
    await release('--push');
    repository.commit(
      { 'prompts/one.md': '---\n---\nEins', 'prompts/three.md': '---\n---\nDrei', 'notes.txt': 'mine' },
      'Much',
    );
    await release('--push');
    const { code, stderr } = await run('rollback', 'v0.1.0', '--push', '--sign-key', alice.file);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('undoes 1 commit');
    expect(repository.git('show', 'HEAD:prompts/one.md')).toContain('One');
    expect(repository.git('ls-tree', '--name-only', '-r', 'HEAD')).not.toContain('three');
    expect(repository.git('show', 'HEAD:notes.txt')).toBe('mine');
    expect(repository.git('status', '--porcelain')).toBe('');
    expect(repository.git('ls-remote', 'origin', 'refs/heads/main')).toContain(repository.git('rev-parse', 'HEAD'));
    const manifest = JSON.parse(repository.git('show', 'v0.3.0:.mcpctl/manifest.json'));
    expect(manifest.resources.find(({ id }: { id: string }) => id === 'prompt/one').version).toBe('0.1.2');
    expect(manifest.removed).toEqual([{ id: 'prompt/three', version: '0.1.0' }]);
  });

  it('refuses what is no release, what changes nothing, and a working tree with changes', async () => {
    await release();
    const rollback = (name: string) => run('rollback', name, '--sign-key', alice.file);
    expect(await rollback('v3.0.0')).toMatchObject({ code: 1, stderr: expect.stringContaining('RELEASE_UNKNOWN') });
    expect(await rollback('v0.1.0')).toMatchObject({ code: 1, stderr: expect.stringContaining('RELEASE_NOTHING') });
    writeFileSync(join(repository.work, 'prompts/one.md'), '---\n---\nEins');
    expect(await rollback('v0.1.0')).toMatchObject({ code: 1, stderr: expect.stringContaining('not committed') });
  });
});

describe('mcpctl verify', () => {
  it('needs a pinned root, and exits with 5 where something is wrong', async () => {
    await release();
    expect((await run('verify')).code).toBe(5);
    const fingerprint = JSON.parse((await run('trust', 'show', '-o', 'json')).stdout).roots[0].fingerprint;
    const wrong = await run('trust', 'add', '.', '--fingerprint', `sha256:${'0'.repeat(64)}`);
    expect(wrong).toMatchObject({ code: 5, stderr: expect.stringContaining('NOT_TRUSTED') });
    expect(wrong.stderr).toContain(`it has ${fingerprint} (version 1)`);
    expect(wrong.stderr).toContain('ask whoever runs it');
    expect(wrong.stderr).not.toContain('trust init');
    expect((await run('trust', 'add', '.')).code).toBe(5);
    expect((await run('trust', 'add', '.', '--fingerprint', fingerprint)).code).toBe(0);
    const { code, stdout } = await run('verify', '--files', '-o', 'json');
    expect([code, JSON.parse(stdout).trusted]).toEqual([0, true]);
    repository.git('tag', '--annotate', '--message=Good "git" signature', 'v7.0.0');
    expect(await run('verify')).toMatchObject({ code: 5, stdout: expect.stringContaining('v7.0.0 is NOT trusted') });
    expect((await run('verify', 'main')).code).toBe(5);
    expect((await run('verify', 'v0.1.0')).code).toBe(0);
  });
});

describe('mcpctl trust rotate', () => {
  it('collects signatures on a draft until there are enough', async () => {
    const bob = makeKey(join(home, 'keys'), 'bob');
    const add = ['--add', `root=${bob.file}.pub`, '--threshold', '2'];
    const first = await run('trust', 'rotate', ...add, '--sign-key', alice.file);
    expect(first).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('2.draft.json') });
    expect((await run('trust', 'rotate', ...add)).stderr).toContain('a draft of the next version is there already');
    const second = await run('trust', 'rotate', '--sign-key', bob.file);
    expect(second).toMatchObject({ code: 0, stdout: expect.stringMatching(/^sha256:/) });
    expect(repository.git('status', '--porcelain', '--untracked-files=all')).toBe('?? trust/root/2.json');
  });

  it.each([
    [['--remove', 'nobody'], 'the root has no key'],
    [['--remove', 'Alice'], 'the root would have 0 keys'],
    [['--add', 'boss=x.pub'], 'is not root=FILE'],
    [['--add', 'release=mcpctl.yaml'], 'not a public key'],
    [['--threshold', '3'], 'need 3'],
  ])('refuses %j', async (argv, says) => {
    expect(await run('trust', 'rotate', ...argv)).toMatchObject({ code: 2, stderr: expect.stringContaining(says) });
  });
});
