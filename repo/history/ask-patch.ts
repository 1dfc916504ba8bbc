import type { Oid } from '../types.ts';
import { type History, pathspecs } from './history.ts';
import { MAX_TEXT_BYTES, MAX_TOTAL_BYTES } from './limits.ts';

/** An answer of git that is on its way. */
export interface AskedPatch {
  /** @returns whether it came whole, when `onPiece` was given all of it; rejects with what that throws */
  pieces(onPiece: (piece: Buffer) => void): Promise<boolean>;
}

/**
 * Which files are not the same, moves recognised, then each of them as a whole. Nothing but this decides what is shown, but
 * for attributes of files: what git takes for bytes on their word it does not show as text.
 */
const PATCH = [
  ...['-c', `core.bigFileThreshold=${MAX_TEXT_BYTES}`, '-c', 'diff.suppressBlankEmpty=false'],
  ...['diff-tree', '-r', '-M', '--raw', '-z', '-p', '--full-index', '--no-ext-diff', '--no-textconv', '--no-color'],
  ...[
    '--diff-algorithm=myers',
    '--no-indent-heuristic',
    '--inter-hunk-context=0',
    '-U1000000000',
    '--ignore-submodules=none',
  ],
];

/**
 * Ask git what is not the same in two commits; it is under way when this returns.
 * @param from commits or trees by their ids, as `to`
 */
export function askPatch(history: History, from: Oid, to: Oid): AskedPatch {
  const waiting: Buffer[] = [];
  let take: ((piece: Buffer) => void) | undefined;
  const ended = history
    .git([...PATCH, from, to, '--', ...pathspecs(history, [])], {
      maxOutputBytes: MAX_TOTAL_BYTES,
      onOutput: piece => (take ? take(piece) : void waiting.push(piece)),
      // With an index it would take files of a working tree for those of a commit. Where nobody can put one.
      extra: { GIT_INDEX_FILE: '/proc/none/index' },
    })
    .then(
      () => true,
      () => false,
    );
  return {
    async pieces(onPiece) {
      let failure: { error: unknown } | undefined;
      take = piece => {
        try {
          if (!failure) onPiece(piece);
        } catch (error) {
          failure = { error };
        }
      };
      for (const piece of waiting) take(piece);
      const isWhole = await ended;
      if (failure) throw failure.error;
      return isWhole;
    },
  };
}
