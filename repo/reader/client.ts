import { asProblem, type ParsedFile, type Problem, ProblemError, problem } from '../../schema/index.ts';
import type { Oid, Reader, ReadResult } from '../types.ts';
import { type Ended, ReaderChild } from './child.ts';
import type { Answer, Request } from './protocol.ts';

/** How many files of one commit may end the process before the commit is given up. */
const MAX_CULPRITS = 5;
const MAX_SKIPPED = 1_000;

export interface ReaderOptions {
  /** A bare repository, or a `.git` folder. */
  gitDir: string;
  /** The repository's root folder below the git repository's, as `parseRepoPath` returns it. */
  path?: string;
  /** The file that keeps what was parsed from one process to the next, in a folder of our own. */
  keptIn: string;
  /** For one read of a commit. */
  timeoutMs?: number;
  /** The process's heap. */
  memoryMb?: number;
  /** How long the process waits for another request before it ends. */
  idleMs?: number;
  /** Another program for the process, which calls `serve`; for tests of what parsing could do to it. */
  program?: URL;
}

type Read = Extract<Answer, { type: 'read' }>;

/**
 * Start the reader process for a repository. It is started at once, so that the first read does not wait for it, ends when
 * nothing is read for a while, and is started again when something is. A file that takes all its time or memory is found, left out and reported
 * (FILE_TOO_COSTLY); READ_FAILED when there are too many of them, or none is to blame.
 */
export function openReader(options: ReaderOptions): Reader {
  const { gitDir, path = '', keptIn, timeoutMs = 20_000, memoryMb = 512, idleMs = 10_000 } = options;
  const program = options.program ?? new URL('./main.ts', import.meta.url);
  const skipped = new Set<Oid>();
  let closed = false;
  let child = start();
  let last: Promise<unknown> = Promise.resolve();
  let asked = 0;
  let idle: NodeJS.Timeout | undefined;
  rest();

  function start(): ReaderChild {
    return new ReaderChild({ program, args: [gitDir, path, keptIn], memoryMb });
  }
  function living(): ReaderChild {
    if (!child.alive) child = start();
    return child;
  }
  /** Its memory is worth more than the time that starting it takes, once nothing is read. */
  function rest(): void {
    clearTimeout(idle);
    if (asked > 0 || closed) return;
    idle = setTimeout(() => child.kill(), idleMs);
    idle.unref();
  }
  /** One request at a time: what one of them does to the process must not be blamed on another. */
  function alone<T>(work: () => Promise<T>): Promise<T> {
    asked++;
    clearTimeout(idle);
    const next = last.then(() => {
      if (closed) throw new ProblemError(problem('READ_FAILED', 'The reader is closed'));
      return work();
    });
    last = next
      .catch(() => undefined)
      .then(() => {
        asked--;
        rest();
      });
    return next;
  }

  async function read(commit: Oid, base: Oid | undefined, signal: AbortSignal | undefined): Promise<ReadResult> {
    const request = (careful: boolean): Request => ({ type: 'read', commit, base, careful, skip: [...skipped] });
    let files: ParsedFile[] = [];
    const taking = {
      onBegin() {
        files = [];
      },
      onFiles(more: ParsedFile[]) {
        for (const file of more) files.push(file);
      },
    };
    let answer = await living().ask(request(false), { timeoutMs, signal, ...taking });
    const culprits: Oid[] = [];
    while ('ended' in answer && answer.ended !== 'abort' && !closed) {
      let current: Oid | undefined;
      const onParsing = (oid: Oid) => {
        current = oid;
      };
      const fileTimeoutMs = Math.ceil(timeoutMs / 4);
      answer = await living().ask(request(true), { timeoutMs, fileTimeoutMs, onParsing, signal, ...taking });
      if (!('ended' in answer) || answer.ended === 'abort' || closed) break;
      if (current === undefined || culprits.length >= MAX_CULPRITS) {
        for (const oid of culprits) skipped.delete(oid);
        return { problem: endedProblem(answer, commit, culprits.length) };
      }
      culprits.push(current);
      skipped.add(current);
    }
    for (const oid of [...skipped].slice(0, -MAX_SKIPPED)) skipped.delete(oid);
    if ('ended' in answer) return { problem: endedProblem(answer, commit, 0) };
    if (answer.type === 'failed') return { problem: answer.problem };
    return answer.type === 'read'
      ? delta(answer, files)
      : { problem: problem('INTERNAL', 'the reader answered something else') };
  }

  return {
    read: (commit, base, signal) =>
      alone(() => read(commit, base, signal)).catch(error => ({ problem: asProblem(error) })),
    blob: (oid, maxBytes) =>
      alone(async () => {
        const answer = await living().ask({ type: 'blob', oid, maxBytes }, { timeoutMs });
        if ('ended' in answer) throw new ProblemError(problem('READ_FAILED', `The blob ${oid} could not be read`));
        if (answer.type === 'failed') throw new ProblemError(answer.problem);
        if (answer.type !== 'blob') throw new ProblemError(problem('INTERNAL', 'the reader answered something else'));
        return Buffer.from(answer.bytes.buffer, answer.bytes.byteOffset, answer.bytes.byteLength);
      }),
    wake() {
      if (closed) return;
      living();
      rest();
    },
    async close() {
      closed = true;
      clearTimeout(idle);
      child.kill();
      await child.exited;
    },
  };
}

function delta({ commit, base, removed, blobsRead }: Read, files: ParsedFile[]): ReadResult {
  return { commit, ...(base !== undefined && { base }), files, removed, blobsRead };
}

function endedProblem({ ended }: Ended, commit: Oid, culprits: number): Problem {
  const what = `The commit ${commit.slice(0, 12)} could not be read`;
  if (ended === 'abort') return problem('READ_FAILED', `${what}: reading was stopped`);
  if (culprits > 0) return problem('READ_FAILED', `${what}: more than ${culprits} files exhaust time or memory`);
  const why = ended === 'time' ? 'it took too long' : 'the reader process ended';
  return problem('READ_FAILED', `${what}: ${why}`);
}
