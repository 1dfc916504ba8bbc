import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { mcpctl } from '../../../tests/command-line.ts';
import { shopFiles } from '../../../tests/shop-files.ts';
import { type TempRepository, tempRepository } from '../../../tests/temp-repository.ts';

let shop: TempRepository;
beforeAll(() => {
  shop = tempRepository({ ...shopFiles, 'prompts/marked.md': '\ufeff---\r\ntitle: T\r\n---\r\nText\r\n' });
  // Copies that are left are seen; others edit on this machine too.
  mkdirSync(join(shop.folder, 'tmp'));
  vi.stubEnv('TMPDIR', join(shop.folder, 'tmp'));
  shop.git('config', 'user.name', 'Test');
  shop.git('config', 'user.email', 'test@example.com');
});
afterEach(() => shop.git('checkout', '--quiet', '.'));
afterAll(() => {
  vi.unstubAllEnvs();
  shop.remove();
});

/**
 * Run `edit` with an editor that carries out one step (a piece of shell about `$1`) each time it is opened, and notes
 * what it was shown.
 */
async function edit(args: readonly string[], ...steps: string[]) {
  const seen = join(shop.folder, 'seen');
  const editor = join(shop.folder, 'editor.sh');
  rmSync(seen, { force: true });
  const cases = steps.map((step, index) => `${index}) ${step};;`).join('\n');
  writeFileSync(
    editor,
    `#!/bin/sh\ncount=$(grep -c '^====$' '${seen}' 2>/dev/null)\n(echo ====; cat "$2") >> '${seen}'\nset -- "$2"\ncase "\${count:-0}" in\n${cases}\nesac\n`,
  );
  chmodSync(editor, 0o755);
  const env = { ...process.env, VISUAL: `${editor} --wait`, EDITOR: 'false' };
  const outcome = await mcpctl(['edit', ...args], { cwd: shop.work, env });
  const shown = existsSync(seen) ? readFileSync(seen, 'utf8').split('====\n').slice(1) : [];
  return { ...outcome, shown };
}

function text(path: string): string {
  return readFileSync(join(shop.work, path), 'utf8');
}

/** What was kept, as a command said where; removed once read. */
function takeKept(stderr: string): string | undefined {
  const [, kept] = /kept in (\S+)/.exec(stderr) ?? [];
  if (kept === undefined) return undefined;
  const content = readFileSync(kept, 'utf8');
  rmSync(dirname(kept), { recursive: true });
  return content;
}

const stock = String(shopFiles['servers/stock.yaml']);

describe('edit', () => {
  it('takes over what was saved, and shows the difference', async () => {
    const { code, stdout, stderr, shown } = await edit(['server', 'stock'], `sed -i 's/gold/blue/' "$1"`);
    expect({ code, stdout, shown }).toEqual({ code: 0, stdout: 'server/stock configured\n', shown: [stock] });
    expect(stderr).toContain('+  labels: { team: store, tier: blue }');
    expect(text('servers/stock.yaml')).toBe(stock.replace('gold', 'blue'));
  });

  it('changes nothing when nothing was changed', async () => {
    const { code, stdout, stderr } = await edit(['server/stock'], 'true');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'server/stock unchanged\n' });
    expect(stderr).toContain('nothing was changed in servers/stock.yaml');
    expect(shop.git('status', '--porcelain')).toBe('');
  });

  it('opens again with the problems on top, on the lines where they are', async () => {
    const { code, shown } = await edit(
      ['server', 'stock'],
      `sed -i 's/stdio/stdioo/' "$1"`,
      `sed -i 's/stdioo/stdio/; s/gold/blue/' "$1"`,
    );
    const [, second = ''] = shown;
    expect(second).toMatch(/^# mcpctl: Correct what follows.*\n# mcpctl: 9:14: `spec.transport` must be .*\n/);
    expect(second.split('\n')[8]).toBe('  transport: stdioo');
    expect(code).toBe(0);
    expect(text('servers/stock.yaml')).toBe(stock.replace('gold', 'blue'));
  });

  it.each<[string, string[]]>([
    ['saved with the same problems again', [`sed -i 's/stdio/stdioo/' "$1"`, 'true']],
    ['saved empty', [': > "$1"']],
  ])('gives up when it was %s, and keeps what was written', async (situation, steps) => {
    const { code, stdout, stderr } = await edit(['server', 'stock'], ...steps);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`\`servers/stock.yaml\` was ${situation} [EDITOR_FAILED]`);
    expect(takeKept(stderr)).toEqual(situation === 'saved empty' ? '' : expect.stringContaining('stdioo'));
    expect(shop.git('status', '--porcelain')).toBe('');
  });

  it('keeps a byte order mark and line endings', async () => {
    const { code } = await edit(['prompt', 'marked'], `sed -i 's/Text/Word/' "$1"`);
    expect(code).toBe(0);
    expect(text('prompts/marked.md')).toBe('\ufeff---\r\ntitle: T\r\n---\r\nWord\r\n');
  });

  it('overwrites no change that somebody else made meanwhile', async () => {
    const file = join(shop.work, 'servers/stock.yaml');
    const { code, stderr } = await edit(
      ['server', 'stock'],
      `sed -i 's/gold/blue/' "$1"; echo '# theirs' >> '${file}'`,
    );
    expect(code).toBe(1);
    expect(stderr).toContain('FILE_CHANGED');
    expect(takeKept(stderr)).toContain('blue');
    expect(text('servers/stock.yaml')).toBe(`${stock}# theirs\n`);
  });

  it.each<[string, string[], string, number, string]>([
    ['is not there', ['server', 'other'], 'true', 1, 'there is no `server/other`'],
    ['is in a project', ['prompt', 'sell'], 'true', 1, 'project/counter has one: prompt sell -p counter'],
    ['has no name', ['server'], 'true', 2, 'a name is missing'],
    ['has an editor that fails', ['server', 'stock'], 'exit 3', 1, 'ended with 3'],
  ])('refuses what %s', async (_situation, args, step, code, message) => {
    const outcome = await edit(args, step);
    expect(outcome.stderr).toContain(message);
    expect(outcome.code).toBe(code);
  });
});

describe('an edit that is not taken over', () => {
  it.each<[string, string, string, string | undefined]>([
    ['the editor fails', 'exit 3', 'ended with 3 [EDITOR_FAILED]', undefined],
    ['the editor fails late', `sed -i 's/gold/blue/' "$1"; exit 3`, 'ended with 3 [EDITOR_FAILED]', 'blue'],
    ['the editor removes the file', 'rm "$1"', 'removed the file [EDITOR_FAILED]', undefined],
  ])('when %s', async (_situation, step, message, kept) => {
    const { code, stdout, stderr } = await edit(['server', 'stock'], step);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(message);
    expect(takeKept(stderr)).toEqual(kept === undefined ? undefined : expect.stringContaining(kept));
    expect(readdirSync(tmpdir())).toEqual([]);
    expect(text('servers/stock.yaml')).toBe(stock);
  });

  it('is kept when the file cannot be written', () => {
    const folder = join(shop.work, 'servers');
    const own = join(shop.folder, 'own');
    mkdirSync(own, { mode: 0o777 });
    chmodSync(own, 0o777);
    for (const one of [shop.folder, shop.work]) chmodSync(one, 0o755);
    chmodSync(folder, 0o555);
    try {
      const argv = [process.execPath, join(import.meta.dirname, '../../mcpctl.mjs'), 'edit', 'server', 'stock'];
      // To root, no folder is read-only.
      const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', ...argv];
      const [program = '', ...args] = process.getuid?.() === 0 ? nobody : argv;
      const env = { PATH: process.env.PATH, HOME: own, TMPDIR: own, EDITOR: 'sed -i s/gold/blue/' };
      const { status, stdout, stderr } = spawnSync(program, args, { cwd: shop.work, env, encoding: 'utf8' });
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toContain('servers/stock.yaml: `servers/stock.yaml` cannot be written: EACCES [SYSTEM_REFUSED]');
      expect(takeKept(stderr)).toContain('blue');
    } finally {
      chmodSync(folder, 0o755);
    }
    expect(text('servers/stock.yaml')).toBe(stock);
  });
});

describe('edit with a wish', () => {
  it('records it as trailers of a commit', async () => {
    const args = ['server', 'stock', '--bump', 'minor', '--note', 'Blue is  back'];
    const { code, stderr } = await edit(args, `sed -i 's/gold/blue/' "$1"`);
    expect([code, stderr]).toEqual([0, expect.stringContaining('committed as')]);
    expect(shop.git('log', '-1', '--format=%B')).toBe('Change server/stock\n\nBump: minor\nNote: Blue is back');
    expect(shop.git('log', '-1', '--format=%(trailers:key=Bump,valueonly)')).toBe('minor');
  });

  it('commits nothing when nothing was changed', async () => {
    const before = shop.git('rev-parse', 'HEAD');
    const { code } = await edit(['server', 'stock', '--semver', 'v2.0.0', '--note', 'nothing'], 'true');
    expect([code, shop.git('rev-parse', 'HEAD')]).toEqual([0, before]);
  });

  it.each([
    ['a version that is none', ['--semver', '2'], 2],
    ['a bump that is none', ['--bump', 'huge'], 2],
    ['both', ['--bump', 'minor', '--semver', '2.0.0'], 2],
    ['a note that would be another trailer', ['--note', ''], 2],
  ])('refuses %s', async (_situation, args, expected) => {
    const { code, shown } = await edit(['server', 'stock', ...args], 'true');
    expect([code, shown]).toEqual([expected, []]);
  });
});
