import { describe, expect, it } from 'vitest';
import { parseRemote } from './url.ts';

describe('parseRemote', () => {
  it.each([
    ['an absolute path', '/srv/repo.git', { kind: 'path', url: '/srv/repo.git' }],
    ['a relative path', '../repo', { kind: 'path', url: '/home/repo' }],
    ['a path with spaces', './my repo', { kind: 'path', url: '/home/me/my repo' }],
    ['a path with a colon after a slash', './a:b', { kind: 'path', url: '/home/me/a:b' }],
    ['a folder that begins with a dash, as a path', './-x', { kind: 'path', url: '/home/me/-x' }],
    ['a file URL', 'file:///srv/my%20repo.git', { kind: 'path', url: '/srv/my repo.git' }],
    ['an https URL', 'https://Host.example/a/b.git', { kind: 'http', url: 'https://host.example/a/b.git' }],
    ['an http URL with a port', 'HTTP://127.0.0.1:8080/a.git', { kind: 'http', url: 'http://127.0.0.1:8080/a.git' }],
  ])('takes %s', (_situation, text, expected) => {
    expect(parseRemote(text, '/home/me')).toMatchObject(expected);
  });

  it.each([
    ['nothing', '', 'empty'],
    ['an option', '--upload-pack=/bin/sh', 'option'],
    ['a short option', '-u', 'option'],
    ['ssh', 'ssh://host/repo', 'ssh://'],
    ['git over ssh', 'git+ssh://host/repo', 'git+ssh://'],
    ['the git protocol', 'git://host/repo', 'git://'],
    ['ftp', 'ftp://host/repo', 'ftp://'],
    ['an scp-like address', 'git@host.example:org/repo.git', 'host:path'],
    ['an scp-like address without user', 'host:repo', 'host:path'],
    ['a Windows path', 'C:\\repo', 'host:path'],
    ['a command as remote helper', 'ext::sh -c id', 'helper'],
    ['a file descriptor as remote helper', 'fd::17', 'helper'],
    ['a helper without a name', '::x', 'helper'],
    ['a helper before a URL', 'http::https://host/repo', 'helper'],
    ['a user in the URL', 'https://token@host/repo', 'user or a password'],
    ['a password in the URL', 'https://me:pw@host/repo', 'user or a password'],
    ['an empty user in the URL', 'https://@host/repo', 'user or a password'],
    ['a query', 'https://host/repo?token=x', 'query'],
    ['a newline', 'https://host/a\nb', 'control'],
    ['a NUL', '/srv/a\0b', 'control'],
    ['a newline encoded in a file URL', 'file:///srv/a%0ab', 'control'],
    ['a host in a file URL', 'file://host/srv/repo', 'host'],
    ['no host', 'https://', 'valid URL'],
    ['very long', `/${'a'.repeat(5000)}`, 'too long'],
  ])('refuses %s', (_situation, text, why) => {
    const result = parseRemote(text, '/home/me');
    if (!('problem' in result)) throw new Error('expected a problem');
    expect(result.problem.code).toBe('REMOTE_UNSUPPORTED');
    expect(result.problem.message).toContain(why);
    expect(JSON.stringify(result.problem)).not.toMatch(/pw|token@/);
  });

  it('says that ssh comes later', () => {
    expect(parseRemote('git@host:org/repo.git', '/')).toMatchObject({
      problem: { hint: expect.stringContaining('ssh is not supported yet') },
    });
  });
});
