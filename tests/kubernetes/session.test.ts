import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { filesOf } from '../guide.ts';
import { startCluster, whyNoCluster } from './cluster.ts';

const root = join(import.meta.dirname, '..', '..');
const document = join(root, 'docs', 'kubernetes.md');
const text = readFileSync(document, 'utf8');
const reason = whyNoCluster();
const cluster = reason === undefined ? startCluster() : undefined;
afterAll(() => cluster?.stop());

const folder = mkdtempSync(join(tmpdir(), 'mcpctl-kube-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  cluster?.kubectl('delete', 'namespace', 'mcpctl-ai', 'mcpctl-ai-team', '--wait=false', '--ignore-not-found');
});

const SEPARATOR = '@@@@ next @@@@';
/** Commands, each behind `$ `, its further lines behind `> `, with what they print below them. */
const BLOCK = /^```console\n([\s\S]*?)^```$/gm;

function commandsOf(block: string): string[] {
  return [...block.matchAll(/^\$ (.*\n(?:> .*\n)*)/gm)].map(([, command = '']) => command.trimEnd());
}

/** Run all commands in one shell. @returns what each printed */
function run(commands: readonly string[], env: NodeJS.ProcessEnv): string[] {
  const steps = commands.map(command => `${command.replace(/\n> /g, '\n')}\necho '${SEPARATOR}'`);
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const mcpctl = `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'cli/mcpctl.mjs')}' "$@"\n`;
  writeFileSync(join(bin, 'mcpctl'), mcpctl, { mode: 0o755 });
  // Whatever happens, the daemon goes with the shell.
  const script = `exec 2>&1\ntrap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n${steps.join('\n')}`;
  const options = { cwd: folder, encoding: 'utf8', timeout: 240_000 } as const;
  const all = { PATH: `${bin}:${process.env.PATH}`, HOME: folder, NO_COLOR: '1', ...env };
  const { stdout } = spawnSync('bash', ['-c', script], { ...options, env: all });
  return stdout.split(`${SEPARATOR}\n`).slice(0, -1);
}

/** What is another each time: how old something is, the ends of names that the cluster makes, and how wide they are. */
function steady(printed: string): string {
  return printed
    .replace(/\b(notes-[0-9a-f]{10})-[0-9a-f]{8,10}-[a-z0-9]{5}\b/g, '$1-6d8f7c9b54-x2k9q')
    .replace(/\d+(m\d*)?s$/gm, '9s')
    .replace(/ {2,}/g, '   ')
    .replace(/[ \t]+$/gm, '');
}

it.skipIf(!cluster)(
  reason === undefined
    ? 'the session in docs/kubernetes.md prints what it says'
    : `the session in docs/kubernetes.md (skipped: ${reason})`,
  async () => {
    if (!cluster) return;
    for (const [path, content] of filesOf(text)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    const commands = [...text.matchAll(BLOCK)].flatMap(([, block = '']) => commandsOf(block));
    expect(commands.length).toBeGreaterThan(8);
    const printed = run(commands, { KUBECONFIG: cluster.kubeconfig, MCPCTL_RUNNER_NODE: cluster.image });
    expect(printed.length, printed.join('\n')).toBe(commands.length);
    const told = text.replaceAll(BLOCK, (_, block: string) => {
      const lines = commandsOf(block).map(command => `$ ${command}\n${steady(printed.shift() ?? '')}`);
      return `\`\`\`console\n${lines.join('')}\`\`\``;
    });
    await expect(told).toMatchFileSnapshot(document);
  },
  300_000,
);
