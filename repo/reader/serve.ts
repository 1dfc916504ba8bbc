import { Worker } from 'node:worker_threads';
import { asProblem, type FileEntry, type ParsedFile, ProblemError, problem } from '../../schema/index.ts';
import { parseUnread, readBlobs, rootTree, withoutContent } from '../commit-files.ts';
import { type Objects, openObjects } from '../objects.ts';
import { type TreeFile, treeChanges } from '../tree-changes.ts';
import { TextCache } from './cache.ts';
import { KeptTexts } from './kept-texts.ts';
import type { Reply, Request } from './protocol.ts';

/** Characters of JSON. What is parsed may be larger than its file: problems, defaults, aliases. */
const MAX_FILE_JSON = 16 * 1024 * 1024;
const MAX_DELTA_JSON = 256 * 1024 * 1024;
const CACHE_JSON = 64 * 1024 * 1024;
/** How many problems the files of one commit may have before each further file tells only of its first. */
const MAX_PROBLEMS = 1_000;

/** What the process is started with. */
export interface ReaderArguments {
  gitDir: string;
  path: string;
  keptIn?: string | undefined;
}

type Parse = (file: FileEntry, bytes: Uint8Array) => ParsedFile;
type ReadRequest = Extract<Request, { type: 'read' }>;

/**
 * Be the reader process: answer requests over the channel to the parent, one at a time, until the parent is gone.
 * @param parse what turns bytes into a parsed file; whatever it does, it does to this process only
 * @param keptIn the file in which what was parsed outlives this process
 */
export function serve({ gitDir, path, keptIn }: ReaderArguments, parse: Parse): void {
  const cache = new TextCache(CACHE_JSON);
  const kept = keptIn === undefined ? undefined : new KeptTexts(keptIn, cache);
  const loaded = kept?.load();
  let objects = openObjects(gitDir, process.env);
  let last: Promise<void> = Promise.resolve();

  async function answer(request: Request, fresh: [key: string, text: string][]): Promise<Reply> {
    await loaded;
    const work = () =>
      request.type === 'blob' ? readBlob(objects, request) : read(objects, path, request, { cache, fresh }, parse);
    try {
      return await work();
    } catch {
      // The mirror may have been made anew under git's feet: look again with another git before it counts.
      objects.close();
      objects = openObjects(gitDir, process.env);
      return work().catch(error => ({ type: 'failed', problem: readProblem(error) }));
    }
  }
  process.on('message', (request: Request) => {
    last = last.then(async () => {
      const fresh: [key: string, text: string][] = [];
      await send(await answer(request, fresh));
      await kept?.add(fresh);
    });
  });
  process.on('disconnect', () => process.exit(0));
  watchParent();
}

async function read(
  objects: Objects,
  path: string,
  request: ReadRequest,
  { cache, fresh }: { cache: TextCache; fresh: [key: string, text: string][] },
  parse: Parse,
): Promise<Reply> {
  const { commit, careful } = request;
  const tree = await rootTree(objects, commit, path);
  const baseTree =
    request.base === undefined ? undefined : await rootTree(objects, request.base, path).catch(() => undefined);
  const base = baseTree === undefined ? undefined : request.base;
  const { changed, removed } = await treeChanges(objects, baseTree, tree);
  const texts: string[] = [];
  let problems = 0;
  const add = (text: string) => {
    if (text.endsWith('"problems":[]}')) return texts.push(text);
    const parsed: ParsedFile = JSON.parse(text);
    const told = problems < MAX_PROBLEMS ? parsed.problems : parsed.problems.slice(0, 1);
    problems += told.length;
    return texts.push(told === parsed.problems ? text : JSON.stringify({ ...parsed, problems: told }));
  };
  const unread: TreeFile[] = [];
  const skip = new Set(request.skip);
  for (const file of changed) {
    const parsed = skip.has(file.oid) ? tooCostly(file) : parseUnread(file);
    const text = parsed ? JSON.stringify(parsed) : cache.get(keyOf(file));
    if (text === undefined) unread.push(file);
    else add(text);
  }
  let blobsRead = 0;
  for await (const blob of readBlobs(objects, unread)) {
    const { file } = blob;
    if ('refused' in blob) {
      add(JSON.stringify(withoutContent(file, blob.refused)));
      continue;
    }
    blobsRead++;
    if (careful) await send({ type: 'parsing', oid: file.oid });
    let text = JSON.stringify(parse(file, blob.bytes));
    if (text.length > MAX_FILE_JSON) text = JSON.stringify(tooCostly(file));
    cache.set(keyOf(file), text);
    fresh.push([keyOf(file), text]);
    add(text);
  }
  if (texts.reduce((sum, text) => sum + text.length + 1, 0) > MAX_DELTA_JSON) {
    throw new ProblemError(problem('READ_FAILED', 'The commit could not be read: what it declares is too much'));
  }
  return { type: 'read', commit, base, files: `[${texts.join(',')}]`, removed, blobsRead };
}

async function readBlob(objects: Objects, { oid, maxBytes }: Extract<Request, { type: 'blob' }>): Promise<Reply> {
  const info = /^[0-9a-f]{40,64}$/.test(oid) ? await objects.info(oid) : undefined;
  if (info?.type !== 'blob') throw new ProblemError(problem('READ_FAILED', `There is no blob ${oid}`));
  if (info.size > maxBytes) {
    const message = `The blob ${oid} has ${info.size} bytes; at most ${maxBytes} are allowed`;
    return { type: 'failed', problem: problem('FILE_TOO_LARGE', message) };
  }
  const bytes = (await objects.contents(oid, maxBytes))?.bytes;
  if (!bytes) throw new ProblemError(problem('READ_FAILED', `The blob ${oid} is missing or damaged`));
  return { type: 'blob', bytes };
}

function keyOf(file: TreeFile): string {
  return `${file.oid} ${file.mode} ${file.path}`;
}

function tooCostly(file: TreeFile): ParsedFile {
  const message = `\`${file.path}\` took too much time or memory to read, and was left out`;
  return withoutContent(file, [problem('FILE_TOO_COSTLY', message, { at: { file: file.path } })]);
}

function readProblem(error: unknown) {
  if (error instanceof ProblemError) return asProblem(error);
  const words = error instanceof Error ? error.message : String(error);
  return problem('READ_FAILED', `The commit could not be read: ${words}`);
}

/** Resolves when the message has left this process, so that it arrives even if the next thing done is fatal. */
function send(reply: Reply): Promise<void> {
  return new Promise(resolve => {
    if (!process.send || !process.connected) resolve();
    else process.send(reply, () => resolve());
  });
}

/**
 * A process that is stuck in parsing does not see that its parent is gone; a thread of its own does.
 */
function watchParent(): void {
  const code = `
    const parent = process.ppid;
    setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL'); }, 1000);`;
  new Worker(code, { eval: true }).unref();
}
