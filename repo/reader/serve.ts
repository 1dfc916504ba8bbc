import { asProblem, type FileEntry, type ParsedFile, ProblemError, problem } from '../../schema/index.ts';
import { parseUnread, readBlobs, rootTree, withoutContent } from '../commit-files.ts';
import { type Objects, openObjects } from '../objects.ts';
import { type TreeFile, treeChanges } from '../tree-changes.ts';
import { KeptTexts } from './kept-texts.ts';
import type { Answer, Reply, Request } from './protocol.ts';

/** Characters of JSON. What is parsed may be larger than its file: problems, defaults, aliases. */
const MAX_FILE_JSON = 16 * 1024 * 1024;
const MAX_DELTA_JSON = 256 * 1024 * 1024;
/** Sent in one go. */
const PART_JSON = 512 * 1024;
/** So few files are parsed sooner than what was kept of them is found. */
const FEW_FILES = 256;
/** How many problems the files of one commit may have before each further file tells only of its first. */
const MAX_PROBLEMS = 1_000;

/** What the process is started with. */
export interface ReaderArguments {
  gitDir: string;
  path: string;
  keptIn: string;
}

type Parse = (file: FileEntry, bytes: Uint8Array) => ParsedFile;
type ReadRequest = Extract<Request, { type: 'read' }>;

/**
 * Be the reader process: answer requests over the channel to the parent, one at a time, until the parent is gone.
 * @param parse what turns bytes into a parsed file; whatever it does, it does to this process only
 * @param keptIn the file in which what was parsed outlives this process
 */
export function serve({ gitDir, path, keptIn }: ReaderArguments, parse: Parse): void {
  const kept = new KeptTexts(keptIn);
  let objects = openObjects(gitDir, process.env);
  let last: Promise<void> = Promise.resolve();

  async function answer(request: Request, parts: Parts): Promise<Answer> {
    const work = () =>
      request.type === 'blob' ? readBlob(objects, request) : read(objects, path, request, parts, parse);
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
      const parts = new Parts(kept);
      await send(await answer(request, parts));
      await parts.keep();
    });
  });
  process.on('disconnect', () => process.exit(0));
}

async function read(objects: Objects, path: string, request: ReadRequest, parts: Parts, parse: Parse): Promise<Answer> {
  const { commit, careful } = request;
  const tree = await rootTree(objects, commit, path);
  const baseTree =
    request.base === undefined ? undefined : await rootTree(objects, request.base, path).catch(() => undefined);
  const base = baseTree === undefined ? undefined : request.base;
  const { changed, removed } = await treeChanges(objects, baseTree, tree);
  await parts.begin({ whole: base === undefined, files: changed.length });
  const unread: TreeFile[] = [];
  const skip = new Set(request.skip);
  for (const file of changed) {
    const parsed = skip.has(file.oid) ? tooCostly(file) : parseUnread(file);
    if (parsed) await parts.add(JSON.stringify(parsed));
    else if (!(await parts.addKept(keyOf(file)))) unread.push(file);
  }
  let blobsRead = 0;
  for await (const blob of readBlobs(objects, unread)) {
    const { file } = blob;
    if ('refused' in blob) {
      await parts.add(JSON.stringify(withoutContent(file, blob.refused)));
      continue;
    }
    blobsRead++;
    if (careful) await send({ type: 'parsing', oid: file.oid });
    let text = JSON.stringify(parse(file, blob.bytes));
    if (text.length > MAX_FILE_JSON) text = JSON.stringify(tooCostly(file));
    await parts.add(text, keyOf(file));
  }
  await parts.flush();
  return { type: 'read', commit, base, removed, blobsRead };
}

/** What was made of a commit's files, sent piece by piece: never is all of it in this process. */
class Parts {
  private readonly kept: KeptTexts;
  private texts: string[] = [];
  private fresh: [key: string, text: string][] = [];
  private keys: Set<string> | undefined;
  private waiting = 0;
  private all = 0;
  private problems = 0;

  constructor(kept: KeptTexts) {
    this.kept = kept;
  }

  /** @param about.whole everything is asked for, not what changed */
  async begin({ whole, files }: { whole: boolean; files: number }): Promise<void> {
    if (whole || files > FEW_FILES) await this.kept.load();
    this.keys = whole ? new Set() : undefined;
    [this.texts, this.fresh, this.waiting, this.all, this.problems] = [[], [], 0, 0, 0];
    await send({ type: 'begin' });
  }

  /** Add what was kept of a file. @returns whether there is any */
  async addKept(key: string): Promise<boolean> {
    const text = this.kept.get(key);
    if (text === undefined) return false;
    this.keys?.add(key);
    await this.add(text);
    return true;
  }

  /** @param key under which it is to be kept, if it is new */
  async add(text: string, key?: string): Promise<void> {
    if (key !== undefined) {
      this.fresh.push([key, text]);
      this.keys?.add(key);
    }
    const told = this.bounded(text);
    this.texts.push(told);
    this.waiting += told.length;
    this.all += told.length;
    if (this.all > MAX_DELTA_JSON) {
      throw new ProblemError(problem('READ_FAILED', 'The commit could not be read: what it declares is too much'));
    }
    if (this.waiting < PART_JSON) return;
    await this.flush();
    await this.kept.add(this.fresh.splice(0));
  }

  async flush(): Promise<void> {
    const texts = this.texts.splice(0);
    this.waiting = 0;
    if (texts.length > 0) await send({ type: 'files', files: `[${texts.join(',')}]` });
  }

  /** Nobody waits any more: keep for the next process what is new. */
  async keep(): Promise<void> {
    await this.kept.add(this.fresh.splice(0));
    if (this.keys) await this.kept.keepOnly(this.keys);
  }

  private bounded(text: string): string {
    if (text.endsWith('"problems":[]}')) return text;
    const parsed: ParsedFile = JSON.parse(text);
    const told = this.problems < MAX_PROBLEMS ? parsed.problems : parsed.problems.slice(0, 1);
    this.problems += told.length;
    return told === parsed.problems ? text : JSON.stringify({ ...parsed, problems: told });
  }
}

async function readBlob(objects: Objects, { oid, maxBytes }: Extract<Request, { type: 'blob' }>): Promise<Answer> {
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
