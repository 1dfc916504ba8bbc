import { appendFileSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { statsOf } from '../look.ts';

const MAX_BYTES = 256 * 1024;
const FILES = 5;

/** A log of bounded size: five files of 256 KiB, the newest without a number. What cannot be written is left out. */
export interface InstallLog {
  file: string;
  add(chunk: Uint8Array | string): void;
}

export function openInstallLog(folder: string): InstallLog {
  const file = join(folder, 'install.log');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  let size = statsOf(file)?.size ?? 0;
  function rotate(): void {
    rmSync(`${file}.${FILES - 1}`, { force: true });
    for (let number = FILES - 2; number >= 0; number--) {
      const from = number === 0 ? file : `${file}.${number}`;
      if (statsOf(from)) renameSync(from, `${file}.${number + 1}`);
    }
    size = 0;
  }
  return {
    file,
    add(chunk) {
      let rest = Buffer.from(chunk);
      try {
        while (rest.length > 0) {
          if (size >= MAX_BYTES) rotate();
          const part = rest.subarray(0, MAX_BYTES - size);
          appendFileSync(file, part, { mode: 0o600 });
          size += part.length;
          rest = rest.subarray(part.length);
        }
      } catch {
        // A full disk must not end the script that is being logged.
      }
    },
  };
}
