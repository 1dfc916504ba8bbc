import { stripVTControlCharacters } from 'node:util';
import { redact } from '../../host/index.ts';

const NEWLINE = 0x0a;

/** The newest lines of an endless output, in bounded memory. */
export interface LogRing {
  add(chunk: Buffer): void;
  /** The output has ended; what stands behind the last newline counts as a line. */
  end(): void;
  /** Oldest first, redacted, without colours, each bounded in length; the line being written is left out. */
  lines(): string[];
  /** How many lines there were so far, those that are kept no more included. */
  written(): number;
}

interface Line {
  bytes: Buffer;
  cut: boolean;
}

/**
 * @param secrets values that `lines` hides, also where only one line of a value of several lines is shown
 * @param limits.lineLength in UTF-16 code units
 */
export function createLogRing(secrets: readonly string[], limits = { lines: 200, lineLength: 2_048 }): LogRing {
  const hidden = [...new Set([...secrets, ...secrets.flatMap(secret => secret.split(/\r?\n/))])];
  // A secret may be cut where the line is, and percent-encoded it is three times as long: so much more is kept, and
  // never shown.
  const margin = 3 * Math.max(0, ...secrets.flatMap(secret => secret.split('\n')).map(line => Buffer.byteLength(line)));
  const keep = limits.lineLength + margin;
  const ring: Line[] = [];
  let current: Buffer[] = [];
  let kept = 0;
  let cut = false;
  let written = 0;

  function append(piece: Buffer): void {
    const room = keep - kept;
    if (piece.length > room) cut = true;
    if (room <= 0 || piece.length === 0) return;
    // A copy: a view would keep the whole chunk it was read into.
    current.push(Buffer.from(piece.subarray(0, room)));
    kept += Math.min(room, piece.length);
  }

  function finish(): void {
    ring.push({ bytes: Buffer.concat(current), cut });
    if (ring.length > limits.lines) ring.shift();
    written += 1;
    current = [];
    kept = 0;
    cut = false;
  }

  function show({ bytes, cut }: Line): string {
    const text = stripVTControlCharacters(bytes.toString('utf8').replace(/\r$/, ''));
    if (!cut) return redact(text, hidden, limits.lineLength);
    const clean = redact(text, hidden, Number.POSITIVE_INFINITY);
    return `${clean.slice(0, Math.max(0, Math.min(limits.lineLength - 1, clean.length - margin)))}…`;
  }

  return {
    add(chunk) {
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
        append(chunk.subarray(from, at));
        finish();
        from = at + 1;
      }
      append(chunk.subarray(from));
    },
    end() {
      if (kept > 0) finish();
    },
    lines: () => ring.map(show),
    written: () => written,
  };
}
