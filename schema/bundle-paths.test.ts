import { describe, expect, it } from 'vitest';
import { bundleDanger } from './bundle-paths.ts';

describe('paths of a bundle', () => {
  it.each([
    ['a plain file', 'SKILL.md'],
    ['folders, dots and blanks inside', 'my scripts/v1.2/run me.sh'],
    ['another script', 'données/日本語.md'],
    ['a hidden file', '.env.example'],
    ['.gitignore', '.gitignore'],
    ['a name that begins like a device', 'console/common.txt'],
  ])('%s: may be written', (_situation, path) => {
    expect(bundleDanger([path])).toBeUndefined();
  });

  it.each([
    ['climbs out', '../x'],
    ['climbs out from within', 'a/../../x'],
    ['absolute', '/etc/passwd'],
    ['a drive', 'C:/x'],
    ['a drive’s current folder', 'C:x'],
    ['backslashes', 'a\\..\\x'],
    ['empty', ''],
    ['an empty part', 'a//b'],
    ['a dot', 'a/./b'],
    ['a trailing slash', 'a/'],
    ['a device', 'NUL'],
    ['a device with an extension', 'docs/con.md'],
    ['a device with a blank', 'aux .txt'],
    ['a numbered device', 'COM1.log'],
    ['a device with a superscript', 'lpt²'],
    ['a trailing dot', 'SKILL.md.'],
    ['a trailing blank', 'SKILL.md '],
    ['a stream of NTFS', 'SKILL.md::$DATA'],
    ['a control character', 'a\u0007b'],
    ['NUL', 'a\0b'],
    ['a mark that reverses text', 'a\u202eb'],
    ['an invisible character', 'a\u200db'],
    ['a line separator', 'a\u2028b'],
    ['.git', '.git/hooks/pre-commit'],
    ['.GIT', 'a/.GIT/config'],
    ['.git as HFS+ reads it', '.g\u200cit/config'],
    ['.git in full width', '.ｇｉｔ/config'],
    ['.git as NTFS reads it', 'git~1/config'],
    ['.git with a dot behind it', '.git./config'],
    ['a short name', 'PROGRA~1/x'],
    ['a lone surrogate', 'a\ud800'],
    ['a name of 256 bytes', 'x'.repeat(256)],
    ['a path of 1025 bytes', `${`${'x/'.repeat(5)}${'y'.repeat(200)}/`.repeat(5).slice(0, 1024)}z`],
    ['17 folders', `${'a/'.repeat(17)}b`],
  ])('%s: refused', (_situation, path) => {
    expect(bundleDanger(['SKILL.md', path])).toMatchObject({ path });
  });

  it.each([
    ['case', ['a.md', 'A.md']],
    ['Unicode form', ['caf\u00e9', 'cafe\u0301']],
    ['compatibility form', ['\ufb01le', 'file']],
    ['case of a folder', ['docs/a', 'DOCS/b']],
    ['the same twice', ['a', 'a']],
    ['a file that is also a folder', ['a', 'a/b']],
    ['a file that is also a folder, in another case', ['x/A/b', 'x/a']],
  ])('twins by %s: refused', (_situation, paths) => {
    expect(bundleDanger(paths)).toBeDefined();
  });
});
