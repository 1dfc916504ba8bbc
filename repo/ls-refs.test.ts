import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startGitServer } from '../tests/git-server.ts';
import { type TempRepository, tempRepository } from '../tests/temp-repository.ts';
import { openMirror } from './mirror.ts';
import type { Mirror } from './types.ts';
import { parseRemote } from './url.ts';

let repository: TempRepository;
let folder: string;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function mirrorOf(address: string): Promise<Mirror> {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-refs-'));
  closing.push(() => rmSync(folder, { recursive: true, force: true }));
  const remote = parseRemote(address, '/');
  if ('problem' in remote) throw new Error(remote.problem.message);
  const env = { PATH: process.env.PATH };
  return openMirror({ dir: join(folder, 'mirror.git'), remote, ref: 'refs/heads/main', env, home: folder });
}

describe.each(['path', 'http'])('refs of a remote by %s', kind => {
  async function remote(format = 'sha1'): Promise<string> {
    repository = tempRepository({ 'a.txt': 'a' }, { format });
    closing.push(() => repository.remove());
    for (const tag of ['v1.0.0', 'v2.0.0', 'other/v1.0.0']) repository.git('tag', tag);
    repository.git('tag', '--annotate', '--message=x', 'v3.0.0');
    repository.git('push', '--quiet', '--tags', 'origin');
    if (kind === 'path') return repository.bare;
    const server = await startGitServer({ root: repository.folder });
    closing.push(server.close);
    return `${server.url}/remote.git`;
  }

  it.each(['sha1', 'sha256'])('by their beginning, with %s', async format => {
    const mirror = await mirrorOf(await remote(format));
    const listed = await mirror.list(['refs/tags/v']);
    const tag = repository.git('rev-parse', 'v3.0.0');
    expect(listed).toMatchObject({ refs: expect.arrayContaining([{ ref: 'refs/tags/v3.0.0', oid: tag }]) });
    expect('refs' in listed && listed.refs.map(({ ref }) => ref)).toEqual([
      'refs/tags/v1.0.0',
      'refs/tags/v2.0.0',
      'refs/tags/v3.0.0',
    ]);
    expect(await mirror.list(['refs/nothing/'])).toEqual({ refs: [] });
  });

  it('are taken under a name of our own', async () => {
    const mirror = await mirrorOf(await remote());
    await mirror.fetch('poke');
    expect(await mirror.take('refs/tags/v3.0.0', 'refs/mcpctl/releases/v3.0.0')).toEqual({});
    const args = ['--git-dir', mirror.gitDir, 'rev-parse', 'refs/mcpctl/releases/v3.0.0'];
    expect(execFileSync('git', args, { encoding: 'utf8' }).trim()).toBe(repository.git('rev-parse', 'v3.0.0'));
  });

  it('that cannot be asked for are a problem', async () => {
    const address = await remote();
    const mirror = await mirrorOf(`${address}.nowhere`);
    expect(await mirror.list(['refs/tags/v'])).toMatchObject({ problem: { code: 'REMOTE_NOT_FOUND' } });
  });
});
