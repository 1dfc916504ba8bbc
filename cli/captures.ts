import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProgram } from './program.ts';

/** A block that begins with one of these lines holds what the command prints; a comment before it may edit a file first. */
const BLOCK = /(?:<!-- edit (\S+): (.*?) => (.*?) -->\n)?```console\n\$ mcpctl ([^\n]+)\n([\s\S]*?)```/g;

/**
 * A document in which every ```` ```console ```` block of one `mcpctl` command and its output has the output of today. The
 * commands run in a copy of `example-repo` that is a git repository of its own.
 */
export async function withCaptures(text: string, root: string): Promise<string> {
  let result = '';
  let end = 0;
  for (const match of text.matchAll(BLOCK)) {
    const [whole, file, from = '', to = '', command = ''] = match;
    const before = whole.slice(0, whole.indexOf('```console'));
    const edit = file === undefined ? undefined : { file, from, to };
    const output = await capture(root, command, edit);
    result += `${text.slice(end, match.index)}${before}\`\`\`console\n$ mcpctl ${command}\n${output}\`\`\``;
    end = match.index + whole.length;
  }
  return result + text.slice(end);
}

async function capture(
  root: string,
  command: string,
  edit: { file: string; from: string; to: string } | undefined,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-capture-'));
  try {
    cpSync(join(root, 'example-repo'), folder, { recursive: true });
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=Example', '-c', 'user.email=example@example.com', ...args], {
        cwd: folder,
        stdio: 'ignore',
      });
    git('init', '-q', '-b', 'main');
    git('add', '-A');
    git('commit', '-qm', 'Example');
    if (edit) {
      const path = join(folder, edit.file);
      const before = readFileSync(path, 'utf8');
      if (!before.includes(edit.from)) throw new Error(`${edit.file} does not contain ${edit.from}`);
      writeFileSync(path, before.replace(edit.from, edit.to));
    }
    let output = '';
    const write = (text: string) => {
      output += text;
    };
    const io = { stdout: write, stderr: write, isTTY: false, colour: false };
    const { signal } = new AbortController();
    await createProgram({ io, env: { PATH: process.env.PATH, MCPCTL_HOME: folder }, cwd: folder, signal })(
      command.split(' '),
    );
    return output;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
