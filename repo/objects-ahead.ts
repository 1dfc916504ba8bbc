import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gitEnvironment } from './git-environment.ts';
import { type ObjectContents, type Objects, openObjects } from './objects.ts';
import { parseTree } from './tree.ts';
import type { Oid } from './types.ts';

/** `ulimit -f` counts blocks of so many bytes. */
const BLOCK_BYTES = 512;

/**
 * Objects of which most are known ahead by name: git is asked for all of those at once, and writes them to a file, so that
 * it waits for nobody while its caller is still being loaded. What turns out not to be among them is asked for as ever.
 * A name is answered once from what was asked ahead, for a ref may move: whoever wants it again says it twice.
 * @param names in the order in which they are read; a ref, `<ref>^{commit}`, `<ref>:<path>` and the like
 * @param maxBytes of all of them together; with more, nothing is known ahead
 */
export function openObjectsAhead(
  gitDir: string,
  env: NodeJS.ProcessEnv,
  names: readonly string[],
  maxBytes: number,
): Objects {
  const later = openObjects(gitDir, env);
  const ahead = readAhead(gitDir, env, names, maxBytes).then(
    answers => new Ahead(names, answers),
    () => new Ahead([], []),
  );
  return {
    async info(name) {
      const found = (await ahead).find(name);
      return found ? { oid: found.oid, type: found.type, size: found.size } : later.info(name);
    },
    async commit(name) {
      return (await this.info(`${name}^{commit}`))?.oid;
    },
    async contents(name, most) {
      const found = (await ahead).find(name);
      if (!found) return later.contents(name, most);
      return found.size <= most ? found : { ...found, bytes: undefined };
    },
    close: later.close,
  };
}

/** What git answered, by name, and what follows from it: a known tree tells the ids of what is in it. */
class Ahead {
  private readonly named = new Map<string, (ObjectContents | undefined)[]>();
  private readonly known = new Map<Oid, ObjectContents>();

  constructor(names: readonly string[], answers: readonly (ObjectContents | undefined)[]) {
    for (const [index, name] of names.entries()) {
      const answer = answers[index];
      this.named.set(name, [...(this.named.get(name) ?? []), answer]);
      if (answer) this.known.set(answer.oid, answer);
    }
  }

  /** Undefined for what is not known, and for what does not exist: of that, git says the words. */
  find(name: string): ObjectContents | undefined {
    const named = this.named.get(name)?.shift();
    if (named) return named;
    const [, oid = '', of, path] = /^([0-9a-f]{40}|[0-9a-f]{64})(?:\^\{(commit|tree)\}|:(.+))?$/.exec(name) ?? [];
    const start = this.known.get(oid);
    if (of === 'commit') return start?.type === 'commit' ? start : undefined;
    if (of === 'tree') return start?.type === 'commit' ? this.known.get(treeOf(start) ?? '') : undefined;
    if (path === undefined) return start;
    let at = start;
    for (const part of path.split('/')) {
      const entries = at?.type === 'tree' && at.bytes ? parseTree(at.bytes, oid.length / 2) : [];
      at = this.known.get(entries.find(entry => entry.name === part)?.oid ?? '');
    }
    return at;
  }
}

function treeOf({ bytes }: ObjectContents): Oid | undefined {
  return /^tree ([0-9a-f]{40,64})\n/.exec(bytes?.subarray(0, 80).toString('latin1') ?? '')?.[1];
}

/** Begins at once, so that git is under way before whoever calls this is busy. @throws Error whatever fails */
async function readAhead(
  gitDir: string,
  env: NodeJS.ProcessEnv,
  names: readonly string[],
  maxBytes: number,
): Promise<(ObjectContents | undefined)[]> {
  if (names.some(name => /[\u0000-\u001f\u007f]/.test(name))) throw new Error('not an object name');
  // Whoever made a file of this name before us has it: then nothing is known ahead.
  const path = join(tmpdir(), `mcpctl-objects-${process.pid}-${performance.now()}`);
  const file = openSync(path, 'wx+', 0o600);
  try {
    // From here on it has no name, and is gone with whoever has it open.
    rmSync(path);
    // A shell, because only it can say how large a file may become. No name is a part of what it runs.
    const script = 'ulimit -f "$0" && exec git cat-file --batch --buffer';
    const child = spawn('/bin/sh', ['-c', script, String(Math.ceil(maxBytes / BLOCK_BYTES))], {
      cwd: '/',
      env: gitEnvironment(env, { gitDir }),
      stdio: ['pipe', file, 'ignore'],
    });
    const ended = new Promise(resolve => child.on('error', resolve).on('close', resolve));
    child.stdin?.on('error', () => undefined).end(names.map(name => `${name}\n`).join(''));
    if ((await ended) !== 0) throw new Error('git did not answer');
    return answersIn(file, names.length);
  } finally {
    closeSync(file);
  }
}

/** @see git-cat-file(1), BATCH OUTPUT */
function answersIn(file: number, count: number): (ObjectContents | undefined)[] {
  const { size } = fstatSync(file);
  const all = Buffer.allocUnsafe(size);
  if (readSync(file, all, 0, size, 0) !== size) throw new Error('it could not be read');
  let at = 0;
  return Array.from({ length: count }, () => {
    const end = all.indexOf(0x0a, at);
    if (end === -1) throw new Error('it ends too early');
    const line = all.subarray(at, end).toString('latin1');
    const [, oid, type, length] = /^([0-9a-f]{40}|[0-9a-f]{64}) (blob|tree|commit|tag) (\d+)$/.exec(line) ?? [];
    at = end + 1;
    if (oid === undefined) return undefined;
    const bytes = all.subarray(at, at + Number(length));
    at += bytes.length + 1;
    return { oid, type: type as ObjectContents['type'], size: bytes.length, bytes };
  });
}
