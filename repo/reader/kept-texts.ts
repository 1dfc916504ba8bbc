import { createHash } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { readPrivateFile, writeAtomic } from '../../host/index.ts';
import { parserFingerprint } from '../parser-fingerprint.ts';
import type { TextCache } from './cache.ts';

const MAX_BYTES = 192 * 1024 * 1024;
/** The file may have so many bytes more than twice what is in the cache before it is made anew. */
const SLACK = 1024 * 1024;

type Text = readonly [key: string, text: string];

/**
 * A cache's texts in a file, so that a new process need not parse what another one has. The first line names the parser,
 * each further one is a digest and what it is of. What is new is appended; a line that was cut off, or is not what its
 * digest says, is as if it were not there. Safe to delete at any time.
 */
export class KeptTexts {
  private readonly file: string;
  private readonly cache: TextCache;
  /** Undefined while the file is not one to append to. */
  private bytes: number | undefined;

  /** @param file in a folder that only its owner may enter */
  constructor(file: string, cache: TextCache) {
    this.file = file;
    this.cache = cache;
  }

  /** Put what is kept into the cache. */
  async load(): Promise<void> {
    const content = await readPrivateFile(this.file, MAX_BYTES).catch(() => Buffer.alloc(0));
    const first = content.indexOf(0x0a) + 1;
    if (first === 0 || content.toString('latin1', 0, first) !== header()) return;
    let sound = true;
    let start = first;
    for (let end = content.indexOf(0x0a, start); end !== -1; end = content.indexOf(0x0a, start)) {
      const text = textOf(content.toString('utf8', start, end));
      if (text) this.cache.set(...text);
      else sound = false;
      start = end + 1;
    }
    if (sound && start === content.length) this.bytes = content.length;
  }

  /** Keep what is new in the cache; without effect where it cannot be written. */
  async add(texts: readonly Text[]): Promise<void> {
    if (texts.length === 0) return;
    const lines = texts.map(lineOf).join('');
    const { bytes } = this;
    this.bytes = undefined;
    try {
      if (bytes === undefined || bytes + lines.length > 2 * this.cache.characters + SLACK) {
        const whole = Buffer.from([header(), ...[...this.cache.entries()].map(lineOf)].join(''));
        await writeAtomic(this.file, whole);
        this.bytes = whole.length;
      } else {
        await appendFile(this.file, lines);
        this.bytes = bytes + Buffer.byteLength(lines);
      }
    } catch {
      // The next process parses once more.
    }
  }
}

function header(): string {
  return `${parserFingerprint()}\n`;
}

function lineOf([key, text]: Text): string {
  const content = `${key}\t${text}`;
  return `${digest(content)} ${content}\n`;
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
