import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { ProblemError } from '../schema/index.ts';
import { gitMissing } from './git.ts';
import { gitEnvironment } from './git-environment.ts';
import type { Oid } from './types.ts';

/** The longest line git answers with: the name asked for and a few words. */
const MAX_HEADER_BYTES = 8 * 1024;

export interface ObjectInfo {
  oid: Oid;
  type: 'blob' | 'tree' | 'commit' | 'tag';
  /** Bytes. */
  size: number;
}

export interface ObjectContents extends ObjectInfo {
  /** Undefined when the object is larger than allowed. */
  bytes: Buffer | undefined;
}

/**
 * One long-lived `git cat-file`, fed without waiting for answers. Every method rejects with an Error when git ends or
 * answers something else; the connection is of no use then.
 */
export interface Objects {
  /** @param name an object id, or `<id>^{commit}` and the like; @returns undefined when there is no such object */
  info(name: string): Promise<ObjectInfo | undefined>;
  /** The commit that a name means, by itself or through tags; undefined when it means none. */
  commit(name: string): Promise<Oid | undefined>;
  /** What is larger than `maxBytes` is not kept in memory, here; git may still load it: ask `info` first. */
  contents(name: string, maxBytes: number): Promise<ObjectContents | undefined>;
  close(): void;
}

interface Request {
  /** Undefined for a question about size and type only. */
  maxBytes: number | undefined;
  resolve(answer: ObjectContents | undefined): void;
  reject(error: Error): void;
}

/** `git cat-file --batch-command` on a repository, started with the first question. @param env see `gitEnvironment` */
export function openObjects(gitDir: string, env: NodeJS.ProcessEnv): Objects {
  let started: { child: ChildProcessWithoutNullStreams; answers: Answers } | undefined;
  let closed = false;
  let questions = '';

  function start() {
    const child = spawn('git', ['cat-file', '--batch-command', '--buffer'], {
      cwd: '/',
      env: gitEnvironment(env, { gitDir }),
      stdio: 'pipe',
    });
    return { child, answers: new Answers(child) };
  }

  function ask(command: 'info' | 'contents', name: string, maxBytes?: number): Promise<ObjectContents | undefined> {
    if (name === '' || /[\u0000-\u001f\u007f]/.test(name)) return Promise.reject(new Error('not an object name'));
    if (closed) return Promise.reject(new Error('closed'));
    started ??= start();
    const { child, answers } = started;
    return new Promise((resolve, reject) => {
      if (!answers.expect({ maxBytes, resolve, reject })) return;
      // Everything asked for in this turn is written, and answered, in one go.
      if (questions === '') {
        setImmediate(() => {
          if (child.stdin.writable) child.stdin.write(`${questions}flush\n`);
          questions = '';
        });
      }
      questions += `${command} ${name}\n`;
    });
  }
  return {
    info: name => ask('info', name),
    commit: async name => (await ask('info', `${name}^{commit}`))?.oid,
    contents: (name, maxBytes) => ask('contents', name, maxBytes),
    close() {
      closed = true;
      started?.answers.fail(new Error('closed'));
      started?.child.kill('SIGKILL');
    },
  };
}

/** Takes git's output apart, in the order of the requests. */
class Answers {
  private readonly waiting: Request[] = [];
  private readonly child: ChildProcessWithoutNullStreams;
  private failure: Error | undefined;
  private header = '';
  /** The answer whose contents are being read, and how many bytes are missing, with the newline behind them. */
  private current: { info: ObjectInfo; chunks: Buffer[] | undefined; missing: number } | undefined;

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child;
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => this.take(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('utf8')).slice(-2_000);
    });
    child.stdin.on('error', () => undefined);
    child.on('error', error => this.fail(new ProblemError(gitMissing(error), { cause: error })));
    child.on('close', () => this.fail(new Error(`git cat-file ended: ${stderr.trim()}`)));
  }

  expect(request: Request): boolean {
    if (this.failure) request.reject(this.failure);
    else this.waiting.push(request);
    return this.failure === undefined;
  }

  fail(error: Error): void {
    this.failure ??= error;
    for (const request of this.waiting.splice(0)) request.reject(this.failure);
  }

  private take(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && !this.failure) rest = this.current ? this.takeContents(rest) : this.takeHeader(rest);
  }

  private takeHeader(chunk: Buffer): Buffer {
    const end = chunk.indexOf(0x0a);
    this.header += chunk.subarray(0, end === -1 ? undefined : end).toString('latin1');
    if (this.header.length > MAX_HEADER_BYTES) this.abandon('an overlong line');
    if (end === -1) return chunk.subarray(chunk.length);
    const line = this.header;
    this.header = '';
    this.answer(line);
    return chunk.subarray(end + 1);
  }

  private answer(line: string): void {
    const [, oid, type, size] = /^([0-9a-f]{40}|[0-9a-f]{64}) (blob|tree|commit|tag) (\d+)$/.exec(line) ?? [];
    const request = this.waiting[0];
    if (!request || (oid === undefined && !/ (?:missing|ambiguous)$/.test(line))) {
      this.abandon(`\`${line.slice(0, 200)}\``);
      return;
    }
    if (oid === undefined) {
      this.waiting.shift();
      request.resolve(undefined);
      return;
    }
    const info: ObjectInfo = { oid, type: type as ObjectInfo['type'], size: Number(size) };
    if (request.maxBytes === undefined) {
      this.waiting.shift();
      request.resolve({ ...info, bytes: undefined });
      return;
    }
    this.current = { info, chunks: info.size <= request.maxBytes ? [] : undefined, missing: info.size + 1 };
  }

  private takeContents(chunk: Buffer): Buffer {
    const { current } = this;
    if (!current) return chunk;
    const part = chunk.subarray(0, current.missing);
    current.missing -= part.length;
    current.chunks?.push(part);
    if (current.missing === 0) {
      this.current = undefined;
      const bytes = current.chunks && Buffer.concat(current.chunks).subarray(0, current.info.size);
      this.waiting.shift()?.resolve({ ...current.info, bytes });
    }
    return chunk.subarray(part.length);
  }

  private abandon(what: string): void {
    this.fail(new Error(`git cat-file answered with ${what}`));
    this.child.kill('SIGKILL');
  }
}
