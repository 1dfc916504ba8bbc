import { createHash } from 'node:crypto';
import { constants, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { openPrivateFile, writeAtomic } from '../../host/index.ts';
import { parserFingerprint } from '../parser-fingerprint.ts';

const MAX_BYTES = 192 * 1024 * 1024;
/** The file may have so many bytes more than twice what is of use in it before it is made anew. */
const SLACK = 1024 * 1024;
const BLOCK_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

type Text = readonly [key: string, text: string];

/** Where a line stands in the file, without its newline. */
interface Place {
  start: number;
  length: number;
}

/**
 * Texts by key, in a file, so that nothing of them has to be in memory and a new process need not parse what another one
 * has. The first line names the parser, each further one is a digest and what it is of. What is new is appended; a line
 * that was cut off, or is not what its digest says, is as if it were not there. Safe to delete at any time.
 */
export class KeptTexts {
  private readonly path: string;
  private file: FileHandle | undefined;
  private bytes = 0;
  private readonly places = new Map<string, Place>();
  private loaded = false;

  /** @param path in a folder that only its owner may enter */
  constructor(path: string) {
    this.path = path;
  }

  /** Find out what the file has; before that, only what was added is known. */
  async load(): Promise<void> {
    if (this.loaded) return;
    this.loaded = true;
    try {
      const { fd } = await this.open();
      for (const { start, line } of linesOf(fd)) {
        const key = keyIn(line);
        if (key !== undefined) this.places.set(key, { start, length: line.length });
      }
    } catch {
      await this.giveUp();
    }
  }

  get(key: string): string | undefined {
    const place = this.places.get(key);
    if (!place || !this.file) return undefined;
    try {
      const line = Buffer.allocUnsafe(place.length);
      if (readSync(this.file.fd, line, 0, place.length, place.start) < place.length) return undefined;
      const [kept, text] = textOf(line.toString('utf8')) ?? [];
      return kept === key ? text : undefined;
    } catch {
      return undefined;
    }
  }

  /** Keep texts; without effect where they cannot be written. */
  async add(texts: readonly Text[]): Promise<void> {
    if (texts.length === 0) return;
    try {
      const file = await this.open();
      const lines = texts.map(lineOf);
      const whole = Buffer.from(lines.join(''));
      if (this.bytes + whole.length > MAX_BYTES) return;
      await file.appendFile(whole);
      let start = this.bytes;
      for (const [index, [key]] of texts.entries()) {
        const length = Buffer.byteLength(lines[index] ?? '') - 1;
        this.places.set(key, { start, length });
        start += length + 1;
      }
      this.bytes = start;
    } catch {
      await this.giveUp();
    }
  }

  /** Make the file anew without all other texts, once most of it is of no use. @param keys of the texts that are */
  async keepOnly(keys: ReadonlySet<string>): Promise<void> {
    const used = [...keys].flatMap(key => this.places.get(key) ?? []).reduce((sum, { length }) => sum + length, 0);
    if (this.bytes <= 2 * used + SLACK) return;
    const lines = [...keys].flatMap(key => {
      const text = this.get(key);
      return text === undefined ? [] : [lineOf([key, text])];
    });
    await this.giveUp();
    await writeAtomic(this.path, [header(), ...lines].join('')).catch(() => undefined);
    this.loaded = false;
    await this.load();
  }

  /** The file, made when there is none of this parser's that is ours alone. */
  private async open(): Promise<FileHandle> {
    if (this.file) return this.file;
    const own = await openSound(this.path);
    if (!own) await writeAtomic(this.path, header());
    const file = own ?? (await openPrivateFile(this.path, constants.O_RDWR | constants.O_APPEND));
    this.file = file;
    this.bytes = (await file.stat()).size;
    if (readAt(file.fd, this.bytes - 1, 1)[0] === NEWLINE) return file;
    // Whoever wrote before was cut off.
    await file.appendFile('\n');
    this.bytes++;
    return file;
  }

  /** The next process parses once more. */
  private async giveUp(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    this.places.clear();
    await file?.close().catch(() => undefined);
  }
}

async function openSound(path: string): Promise<FileHandle | undefined> {
  const file = await openPrivateFile(path, constants.O_RDWR | constants.O_APPEND).catch(() => undefined);
  if (!file) return undefined;
  const first = readAt(file.fd, 0, header().length).toString('latin1');
  if (first === header() && (await file.stat()).size <= MAX_BYTES) return file;
  await file.close();
  return undefined;
}

function readAt(fd: number, start: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, Math.max(start, 0)));
}

/** All lines that end, the first one too. */
function* linesOf(fd: number): Generator<{ start: number; line: Buffer }> {
  let rest: Buffer = Buffer.alloc(0);
  let start = 0;
  for (;;) {
    const block = readAt(fd, start + rest.length, BLOCK_BYTES);
    if (block.length === 0) return;
    rest = Buffer.concat([rest, block]);
    let from = 0;
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE, from)) {
      yield { start: start + from, line: rest.subarray(from, end) };
      from = end + 1;
    }
    start += from;
    rest = rest.subarray(from);
  }
}

function header(): string {
  return `${parserFingerprint()}\n`;
}

function lineOf([key, text]: Text): string {
  const content = `${key}\t${text}`;
  return `${digest(content)} ${content}\n`;
}

function keyIn(line: Buffer): string | undefined {
  const space = line.indexOf(0x20);
  const tab = line.indexOf(0x09, space);
  return space === -1 || tab === -1 ? undefined : line.toString('utf8', space + 1, tab);
}

function textOf(line: string): Text | undefined {
  const space = line.indexOf(' ');
  const content = line.slice(space + 1);
  const tab = content.indexOf('\t');
  if (tab === -1 || line.slice(0, space) !== digest(content)) return undefined;
  return [content.slice(0, tab), content.slice(tab + 1)];
}

function digest(content: string): string {
  return createHash('sha256').update(content).digest('base64url');
}
