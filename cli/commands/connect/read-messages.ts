import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

const MAX_LINE = 64 * 1024 * 1024;

/**
 * Read newline-delimited JSON.
 * @param onValue told each value; undefined for a line that is not JSON
 * @returns when the stream has ended or the signal aborts
 * @throws Error for a line of more than 64 Mi characters
 */
export async function readMessages(
  input: Readable,
  signal: AbortSignal,
  onValue: (value: unknown) => void,
): Promise<void> {
  const decoder = new StringDecoder('utf8');
  let parts: string[] = [];
  let length = 0;
  const stop = () => input.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of input) {
      const text = decoder.write(chunk);
      const end = text.lastIndexOf('\n');
      if (end !== -1) {
        for (const line of `${parts.join('')}${text.slice(0, end)}`.split('\n')) readLine(line, onValue);
        parts = [];
        length = 0;
      }
      const rest = text.slice(end + 1);
      parts.push(rest);
      length += rest.length;
      if (length > MAX_LINE) throw new Error('a line on stdin is longer than 64 Mi characters');
    }
    readLine(parts.join(''), onValue);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function readLine(line: string, onValue: (value: unknown) => void): void {
  if (line.trim() !== '') onValue(parseJson(line));
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
