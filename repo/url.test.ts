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
    ['git over ssh', 'git+ssh://host/repo', 'git+ssh://'],
    ['the git protocol', 'git://host/repo', 'git://'],
    ['ftp', 'ftp://host/repo', 'ftp://'],
    ['a password in an ssh URL', 'ssh://me:pw@host/repo', 'password'],
    ['an ssh host that is an option', 'ssh://-oProxyCommand=id/repo', 'host'],
    ['an ssh user that is an option', '-oProxyCommand=id@host:repo', 'option'],
    ['an ssh path that is an option', 'git@host:--upload-pack=id', 'host:path'],
    ['an ssh path with a part that is an option', 'ssh://host/a/-b', 'host[:port]'],
    ['an ssh path that a shell would read', 'git@host:$(id)', 'host:path'],
    ['an ssh path with a quote', "ssh://host/a'b", 'host[:port]'],
    ['an encoded ssh path', 'ssh://host/a%0ab', 'host[:port]'],
    ['an ssh path with a space', 'git@host:a b', 'host:path'],
    ['an ssh port that is none', 'ssh://host:70000/repo', 'host[:port]'],
    ['an ssh URL without a path', 'ssh://host/', 'host[:port]'],
    ['an ssh URL with a query', 'ssh://host/repo?x', 'host[:port]'],
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

  const ssh = { kind: 'ssh', host: 'host.example', port: 22, user: undefined };
  it.each([
    ['a URL', 'ssh://git@Host.example/org/repo.git', { user: 'git' }],
    ['a URL with a port', 'ssh://host.example:2222/~/repo', { port: 2222 }],
    ['an upper-case scheme', 'SSH://host.example/repo', { url: 'ssh://host.example/repo' }],
    ['an IPv6 address', 'ssh://git@[::1]:2222/repo', { host: '::1', port: 2222, user: 'git' }],
    ['the short form', 'git@host.example:org/repo.git', { user: 'git', url: 'git@host.example:org/repo.git' }],
    ['the short form without a user', 'host.example:/srv/repo', {}],
    ['a path in another script', 'git@host.example:проект/репо', { user: 'git' }],
  ])('takes ssh’s %s', (_situation, text, expected) => {
    expect(parseRemote(text, '/')).toMatchObject({ ...ssh, ...expected });
  });
});
