import { describe, expect, it } from 'vitest';
import { redact } from './redact.ts';

describe('redact', () => {
  it.each([
    ['a secret', 'the key is hunter22!', 'the key is ***!'],
    ['a secret twice', 'hunter22 hunter22', '*** ***'],
    ['a percent-encoded secret', 'GET /?q=p%40ss%20word', 'GET /?q=***'],
    ['a JSON-escaped secret', String.raw`{"a":"two\nlines"}`, '{"a":"***"}'],
    ['a secret in base64', 'aHVudGVyMjI=', '***='],
    ['a secret of several lines, joined', 'it is first line second line', 'it is *** ***'],
    ['a secret that contains another', 'hunter22extended', '***'],
    ['a secret too short to tell from text', 'abc', 'abc'],
    ['userinfo in a URL', 'fatal: https://me:pw@host/x.git', 'fatal: https://***@host/x.git'],
    ['a token as user in a URL', 'https://ghp_abc@host/', 'https://***@host/'],
    ['a password with an @', 'https://me:p@ss@host/', 'https://***@host/'],
    ['an @ in a path', 'https://host/pkg@1.0.0', 'https://host/pkg@1.0.0'],
    ['an Authorization header', 'Authorization: Basic dXNlcjpwdw==', 'Authorization: ***'],
    ['an authorization in JSON', '{"authorization":"Bearer abc"}', '{"authorization":***"}'],
    ['a bearer value in prose', 'sent Bearer abcdefgh.ijk', 'sent Bearer ***'],
    ['a token parameter', 'https://host/?a=1&access_token=zzz&b=2', 'https://host/?a=1&access_token=***&b=2'],
    ['terminal control characters', 'a\u001b[31mred\u0007\r', String.raw`a\x1b[31mred\x07\x0d`],
    ['text direction marks', 'a\u202eb', String.raw`a\u202eb`],
    ['tabs and newlines', 'a\tb\nc', 'a\tb\nc'],
  ])('%s', (_situation, text, expected) => {
    expect(
      redact(text, ['hunter22', 'hunter22extended', 'p@ss word', 'two\nlines', 'first line\nsecond line', 'abc']),
    ).toBe(expected);
  });

  it('bounds the length without cutting a surrogate pair', () => {
    expect(redact('abc😀def', [], 5)).toBe('abc…');
    expect(redact('abcdef', [], 6)).toBe('abcdef');
  });

  it('hides a secret that lies across the cut', () => {
    expect(redact('1234567hunter22', ['hunter22'], 10)).toBe('1234567***');
  });
});
