import { classify, layoutProblem, maxBytes } from './layout.ts';
import { type Problem, problem } from './problem.ts';
import { quoted } from './quote.ts';

/** A file as git has it. */
export interface FileEntry {
  /** Path below the repository's root folder, `/`-separated. */
  path: string;
  oid: string;
  /** git's octal mode: `100644`, `100755`; `120000` is a symbolic link, `160000` a submodule. */
  mode: string;
}

/**
 * What refuses a file before its blob is read: its place, its mode or its size.
 * @returns for what is read (`isRead`), an empty list means that it may be
 */
export function refuseUnread({ path, mode }: Omit<FileEntry, 'oid'>, size: number): Problem[] {
  const declared = classify(path);
  if (declared.kind === 'ignored') return [];
  const resource = declared.kind === 'resource' ? { resource: declared.id } : {};
  if (declared.kind !== 'later' && !mode.startsWith('100')) {
    const what = mode === '160000' ? 'a submodule' : mode === '120000' ? 'a symbolic link' : 'not a regular file';
    return [problem('FILE_NOT_REGULAR', `${quoted(path)} is ${what}`, { at: { file: path }, ...resource })];
  }
  const misplaced = layoutProblem(declared);
  if (misplaced) return [misplaced];
  const kind = declared.kind === 'resource' ? declared.resourceKind : 'Skill';
  const max = declared.kind === 'patch' ? maxBytes(declared.target.resourceKind) : maxBytes(kind);
  if (size <= max) return [];
  const message = `the file has ${size} bytes; a ${kind} may have ${max}`;
  return [problem('FILE_TOO_LARGE', message, { at: { file: path }, ...resource })];
}

/** Whether a file's content matters, and so has to be read: nothing of ours, and what is misplaced, need not be. */
export function isRead(path: string): boolean {
  const { kind } = classify(path);
  return kind === 'resource' || kind === 'part' || kind === 'patch' || kind === 'root';
}
