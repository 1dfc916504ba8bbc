import { describe, expect, it } from 'vitest';
import { mcpctl } from '../tests/command-line.ts';
import { commandRows } from './command-table.ts';
import { readHelp } from './reference.ts';

const helps = await readHelp();
const leaves = helps.filter(({ command }) => command.commands.length === 0);
const EXAMPLE = new URL('../example-repo', import.meta.url).pathname;
const argvOf = (name: string) => name.split(' ').slice(1);

describe('every command', () => {
  it.each(helps.map(({ name }) => name))('%s --help says what it does, and exits 0', async name => {
    const { code, stdout, stderr } = await mcpctl([...argvOf(name), '--help']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^Usage: ${name}[ |]`));
    expect(await mcpctl(['help', ...argvOf(name)])).toEqual({ code, stdout, stderr });
  });

  it.each(leaves.map(help => [help.name, help] as const))('%s: help has examples and exit codes', (name, help) => {
    expect(help.command.description() || help.command.summary()).not.toBe('');
    expect(help.examples.length).toBeGreaterThan(0);
    expect(help.examples.filter(example => !example.includes(name) && !example.startsWith('mcpctl --'))).toEqual([]);
    expect(help.exitCodes).toMatch(/^0 \S.*\b2 \S/);
  });

  it.each(leaves.map(({ name }) => name))('%s: an unknown option is wrong usage', async name => {
    const { code, stdout, stderr } = await mcpctl([...argvOf(name), '--no-such-option']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^✗ (unknown option|missing required argument|required option)/);
  });

  it.each(
    leaves
      .filter(({ command }) => !command.registeredArguments.some(({ variadic }) => variadic))
      .map(({ name }) => name),
  )('%s: an argument too many is wrong usage', async name => {
    const { code, stdout } = await mcpctl([...argvOf(name), ...Array.from({ length: 9 }, () => 'bash')]);
    expect([code, stdout]).toEqual([2, '']);
  });

  it.each(
    leaves
      .filter(({ command }) => command.options.some(({ long }) => long === '--dir'))
      .map(help => [help.name, help] as const),
  )('%s: a folder that is not there is wrong usage, and not what is above it', async (name, { command }) => {
    const needed = [
      ...command.registeredArguments.flatMap(({ required, argChoices }) =>
        required ? (argChoices?.[0] ?? 'prompt') : [],
      ),
      ...command.options.flatMap(({ mandatory, long, argChoices }) =>
        mandatory ? [long ?? '', argChoices?.[0] ?? 'x'] : [],
      ),
    ];
    const { code, stdout, stderr } = await mcpctl([...argvOf(name), ...needed, '-C', 'nosuch/deep'], { cwd: '/' });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('`-C nosuch/deep`: there is no folder /nosuch/deep');
  });

  it.each(commandRows.map(row => [row.name, row] as const))(
    '%s: the summary is that of the table',
    async (name, row) => {
      const context = { io: { stdout() {}, stderr() {}, isTTY: false, colour: false }, env: {}, cwd: '/', finish() {} };
      const command = await row.load({ ...context, signal: new AbortController().signal });
      expect(command.name()).toBe(name);
      expect(['', row.summary]).toContain(command.summary());
      expect(row.summary).toMatch(/^[a-z].*[^.]$/);
    },
  );
});

describe('the command line', () => {
  it.each([
    ['nothing', [], 2, 'Usage: mcpctl'],
    ['a command that is not there', ['statsu'], 2, "✗ unknown command 'statsu'\n(Did you mean status?)"],
    ['a command of a command that is not there', ['test', 'mpc'], 2, '(Did you mean mcp?)'],
    [
      'an option that stands before a command',
      ['status', '-C', 'x'],
      2,
      "✗ unknown option '-C'\n  → It stands before the command: mcpctl -C … status\n",
    ],
    [
      'one that stands before a command of a command',
      ['trust', 'show', '--path', 'x'],
      2,
      'mcpctl --path … trust show\n',
    ],
    ['an option that is not there', ['plan', '--form', 'main'], 2, "✗ unknown option '--form'\n(Did you mean --from?)"],
    ['an option without its value', ['plan', '--from'], 2, '✗ option'],
    ['a choice that is none', ['plan', '-o', 'xml'], 2, 'Allowed choices are table, json.'],
    ['a kind that is not there', ['get', 'sever', '-C', EXAMPLE], 2, 'Did you mean `server`?'],
  ])('%s: %j exits %i', async (_situation, argv, code, message) => {
    const outcome = await mcpctl(argv);
    expect(outcome.code).toBe(code);
    expect(outcome.stdout).toBe('');
    expect(outcome.stderr).toContain(message);
  });

  it('lists every command that is not hidden', async () => {
    const { stdout } = await mcpctl(['--help']);
    for (const { name, summary, hidden } of commandRows) {
      expect(stdout.includes(`\n  ${name} `), name).toBe(hidden !== true);
      if (hidden !== true) expect(stdout.replace(/\s+/g, ' ')).toContain(summary);
    }
  });
});

describe('options of every command', () => {
  it.each([
    ['before the command', ['-q', 'validate', EXAMPLE]],
    ['behind it', ['validate', EXAMPLE, '--quiet']],
  ])('--quiet %s leaves progress out', async (_where, argv) => {
    expect(await mcpctl(argv)).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('--quiet leaves problems in', async () => {
    expect(await mcpctl(['-q', 'status', '--state-dir', '/nowhere'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('DAEMON_NOT_RUNNING'),
    });
  });

  it('--verbose shows what caused a problem', async () => {
    const argv = ['status', '--state-dir', '/nowhere'];
    const [plain, verbose] = [await mcpctl(argv), await mcpctl([...argv, '-v'])];
    expect(verbose.stderr.startsWith(plain.stderr)).toBe(true);
    expect(verbose.stderr).toContain('    at ');
    expect(plain.stderr).not.toContain('    at ');
  });
});
