import { describe, expect, it } from 'vitest';
import { run } from '../host/index.ts';
import { parseRef, parseRepoPath } from './ref.ts';

describe('parseRef', () => {
  it.each([
    ['a branch', 'main', 'refs/heads/main'],
    ['a branch with slashes', 'team/a/b', 'refs/heads/team/a/b'],
    ['a full branch ref', 'refs/heads/main', 'refs/heads/main'],
    ['a full tag ref', 'refs/tags/v1.0.0', 'refs/tags/v1.0.0'],
    ['letters of any script', 'größe', 'refs/heads/größe'],
  ])('takes %s', (_situation, text, ref) => {
    expect(parseRef(text)).toMatchObject({ ref });
  });

  const refused = [
    ['nothing', ''],
    ['an option', '--upload-pack=x'],
    ['an option behind a prefix', 'refs/heads/-x'],
    ['HEAD', 'HEAD'],
    ['@', '@'],
    ['two dots', 'a..b'],
    ['a part that begins with a dot', 'a/.b'],
    ['a part that ends with .lock', 'a.lock/b'],
    ['a trailing dot', 'a.'],
    ['a trailing slash', 'a/'],
    ['a double slash', 'a//b'],
    ['a space', 'a b'],
    ['a tilde', 'a~1'],
    ['a caret', 'a^'],
    ['a colon, as a refspec', 'a:b'],
    ['a star', 'a*'],
    ['a bracket', 'a[b'],
    ['a backslash', 'a\\b'],
    ['a reflog selector', 'a@{1}'],
    ['a newline', 'a\nb'],
    ['a NUL', 'a\0b'],
    ['a text direction mark', 'a\u202eb'],
    ['a lone surrogate', 'a\ud800'],
    ['too long', 'a'.repeat(300)],
    ['another ref namespace', 'refs/pull/1/head'],
    ['a forced refspec', '+main:x'],
  ] as const;
  it.each(refused)('refuses %s', (_situation, text) => {
    expect(parseRef(text)).toMatchObject({ problem: { code: 'REF_INVALID' } });
  });

  it('takes nothing that git itself refuses', async () => {
    for (const text of [
      'main',
      'a',
      'a-b',
      'a.b',
      'a/b.c',
      'ü',
      '#1',
      'a@b',
      '{a}',
      'a!',
      ...refused.map(row => row[1]),
    ]) {
      const parsed = parseRef(text);
      if ('problem' in parsed) continue;
      expect([text, (await run(['git', 'check-ref-format', parsed.ref])).code]).toEqual([text, 0]);
    }
  });
});

describe('parseRepoPath', () => {
  it.each([
    ['a folder', 'deploy', 'deploy'],
    ['nested folders', 'deploy/mcp', 'deploy/mcp'],
    ['a trailing slash', 'deploy/', 'deploy'],
    ['a leading ./', './deploy', 'deploy'],
    ['the root as a dot', '.', ''],
    ['the root as nothing', '', ''],
  ])('takes %s', (_situation, text, path) => {
    expect(parseRepoPath(text)).toEqual({ path });
  });

  it.each([
    ['an absolute path', '/etc'],
    ['a path that leads out', 'a/../../b'],
    ['an option', '-x'],
    ['a NUL', 'a\0'],
    ['a newline', 'a\nb'],
    ['a backslash', 'a\\b'],
    ['git’s own folder', 'a/.GIT/hooks'],
    ['too long', 'a/'.repeat(600)],
  ])('refuses %s', (_situation, text) => {
    expect(parseRepoPath(text)).toMatchObject({ problem: { code: 'REF_INVALID' } });
  });
});
