import {
  type ChangedFile,
  classify,
  type FileContent,
  type Problem,
  plainRisks,
  problem,
  type ResourceId,
  type Risk,
} from '../../schema/index.ts';
import { noPast, type PastFiles } from '../past-files.ts';
import type { Oid } from '../types.ts';
import { type Hunk, MAX_TEXT_BYTES, textDiff } from './text-diff.ts';

/** A file that is not the same on both sides, with its contents as far as they were read. */
export interface FilePair {
  path: string;
  /** Where it was before it was moved. */
  from?: string;
  before?: FileContent | undefined;
  after?: FileContent | undefined;
  /** git's id of what it is after, where git has it. */
  blob?: Oid;
  /** Its sizes, when it was too large to be read; undefined where it is not there. */
  unread?: { before: number | undefined; after: number | undefined };
}

/** One file of a comparison, as data. */
export interface FileDiff {
  path: string;
  from?: string;
  /** The resource that it declares; left out for other files. */
  resource?: ResourceId;
  op: 'added' | 'removed' | 'changed' | 'renamed';
  mode?: { before: string; after: string };
  /** Left out where the file is compared line by line. */
  summary?: 'binary' | 'too-large';
  bytes: { before: number; after: number };
  hunks: Hunk[];
}

/** Everything about a change: what it may bring about, then its text. */
export interface Comparison {
  risks: Risk[];
  files: FileDiff[];
  /** What is not shown, and what does not validate. */
  problems: Problem[];
}

/**
 * Compare files; what does not validate is said.
 * @param context files that are the same on both sides, for the risks of others
 * @param past what was parsed of files before
 */
export async function compareFiles(
  pairs: readonly FilePair[],
  context: readonly ChangedFile[] = [],
  past: PastFiles = noPast,
): Promise<Comparison> {
  const files = diffFiles(pairs);
  const risks = await risksOfPairs(pairs, context);
  return { risks, files, problems: await problemsOf(pairs, files, past) };
}

/**
 * What a change may bring about. Most are told without the code that parses whatever may come, and several times as fast.
 * @param context as for `compareFiles`
 */
export async function risksOfPairs(pairs: readonly FilePair[], context: readonly ChangedFile[] = []): Promise<Risk[]> {
  const files = [...pairs.flatMap(sides), ...context];
  return plainRisks(files) ?? (await import('../../schema/parser.ts')).risksOf(files);
}

/** The text of a comparison alone. Pure. */
export function diffFiles(pairs: readonly FilePair[]): FileDiff[] {
  return [...pairs].sort((a, b) => Number(isGenerated(a)) - Number(isGenerated(b))).map(fileDiff);
}

/** What nobody wrote is read last. */
function isGenerated({ path }: FilePair): boolean {
  return path.startsWith('locks/');
}

/** What was moved is gone from one place and new in another, unless it is the same resource in both. */
function sides({ path, from, before, after }: FilePair): ChangedFile[] {
  if (from === undefined || idOf(from) === idOf(path)) return [{ path, before, after }];
  return [
    { path: from, before },
    { path, after },
  ];
}

function idOf(path: string): ResourceId | undefined {
  const declared = classify(path);
  return declared.kind === 'resource' ? declared.id : undefined;
}

function fileDiff({ path, from, before, after, unread }: FilePair): FileDiff {
  const declared = classify(path);
  const sizes = unread ?? { before: before?.bytes.length, after: after?.bytes.length };
  const isThere = { before: sizes.before !== undefined, after: sizes.after !== undefined };
  const op =
    from !== undefined ? 'renamed' : !isThere.before ? 'added' : !isThere.after ? 'removed' : ('changed' as const);
  const diff = unread ? { kind: 'too-large' as const } : textDiff(before, after);
  return {
    path,
    ...(from !== undefined && { from }),
    ...(declared.kind === 'resource' && { resource: declared.id }),
    op,
    ...(before && after && before.mode !== after.mode && { mode: { before: before.mode, after: after.mode } }),
    ...(diff.kind !== 'text' && { summary: diff.kind }),
    bytes: { before: sizes.before ?? 0, after: sizes.after ?? 0 },
    hunks: diff.kind === 'text' ? diff.hunks : [],
  };
}

async function problemsOf(pairs: readonly FilePair[], files: readonly FileDiff[], past: PastFiles): Promise<Problem[]> {
  const large = files.filter(({ summary }) => summary === 'too-large');
  const [first] = large;
  // For everything at once, `mcpctl validate` is the way to know.
  const found = pairs.length > MOST_PARSED ? [] : (await Promise.all(pairs.map(pair => invalid(pair, past)))).flat();
  await past.save();
  if (first) {
    const more = large.length > 1 ? ` and ${large.length - 1} more` : '';
    const limit = `${MAX_TEXT_BYTES} bytes a file, ${MAX_TOTAL_BYTES} together`;
    found.push(problem('DIFF_TOO_LARGE', `\`${first.path}\`${more}: only sizes are told; shown are at most ${limit}`));
  }
  return found;
}

/** Of more files than this it is not told whether they validate. */
const MOST_PARSED = 50;

/** All files of one comparison that are read. */
export const MAX_TOTAL_BYTES = 32 * 1024 * 1024;

/** What a single file's own content is refused for, where it is new. */
async function invalid({ path, after, blob = '' }: FilePair, past: PastFiles): Promise<Problem[]> {
  if (!after || classify(path).kind !== 'resource') return [];
  const file = { path, mode: after.mode, oid: blob };
  const parsed = past.parsed(file) ?? (await import('../../schema/parser.ts')).parseFile(file, after.bytes);
  past.keep(undefined, file.mode, parsed);
  const { problems } = parsed;
  const [first] = problems.filter(({ severity }) => severity === 'error');
  if (!first) return [];
  return [problem('REVISION_INVALID', `it does not validate: ${first.message}`, { at: first.at ?? { file: path } })];
}
