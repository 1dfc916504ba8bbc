import {
  byWeight,
  type ChangedFile,
  classify,
  compareText,
  type FileContent,
  type Problem,
  plainRisks,
  problem,
  type ResourceId,
  type Risk,
} from '../../schema/index.ts';
import type { PastFiles } from '../past-files.ts';
import type { Oid } from '../types.ts';
import { MAX_TEXT_BYTES, MAX_TOTAL_BYTES } from './limits.ts';
import { type Difference, type Hunk, textDiff } from './text-diff.ts';

/** A file that is not the same on both sides, with its contents as far as they were read. */
export interface FilePair {
  path: string;
  /** Where it was before it was moved. */
  from?: string;
  before?: FileContent | undefined;
  after?: FileContent | undefined;
  /** git's id of what it is after, where git has it. */
  blob?: Oid;
  /** What is different, where that is known already. */
  difference?: Difference;
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

/** A comparison that is put together file by file, so that most is done by the time the last one is known. */
export class Comparing {
  private readonly files: FileDiff[] = [];
  private readonly risks: Risk[] = [];
  /** Files of which others, or the real parser, tell what they may bring about. */
  private readonly later: ChangedFile[] = [];
  private readonly pairs: FilePair[] = [];

  add(pair: FilePair): void {
    this.files.push(fileDiff(pair));
    // For everything at once, `mcpctl validate` is the way to know.
    if (this.files.length <= MOST_PARSED) this.pairs.push(pair);
    for (const side of sides(pair)) {
      const risks = isOfBundle(side.path) ? undefined : plainRisks([side]);
      if (risks) this.risks.push(...risks);
      else this.later.push(side);
    }
  }

  /**
   * What there is to say; what does not validate is said.
   * @param context files that are the same on both sides, for the risks of others
   * @param past what was parsed of files before
   */
  async finish(context: readonly ChangedFile[] = [], past?: () => Promise<PastFiles>): Promise<Comparison> {
    const risks = [...this.risks, ...(await risksOfFiles([...this.later, ...context]))].sort(byWeight);
    const files = inOrder(this.files.sort(byPath));
    const pairs = files.length > MOST_PARSED ? [] : this.pairs.sort(byPath);
    return { risks, files, problems: await problemsOf(pairs, files, pairs.length === 0 ? undefined : await past?.()) };
  }
}

/** Compare files. @param context @param past as for `Comparing` */
export function compareFiles(
  pairs: readonly FilePair[],
  context: readonly ChangedFile[] = [],
  past?: () => Promise<PastFiles>,
): Promise<Comparison> {
  const comparing = new Comparing();
  for (const pair of pairs) comparing.add(pair);
  return comparing.finish(context, past);
}

/** Most is told without the code that parses whatever may come, and several times as fast. */
async function risksOfFiles(files: readonly ChangedFile[]): Promise<Risk[]> {
  return plainRisks(files) ?? (await import('../../schema/parser.ts')).risksOf(files);
}

function byPath(a: { path: string }, b: { path: string }): number {
  return compareText(a.path, b.path);
}

/** The text of a comparison alone. Pure. */
export function diffFiles(pairs: readonly FilePair[]): FileDiff[] {
  return inOrder(pairs.map(fileDiff));
}

/** What nobody wrote is read last. */
function inOrder(files: readonly FileDiff[]): FileDiff[] {
  return [...files].sort((a, b) => Number(isGenerated(a)) - Number(isGenerated(b)));
}

/** A file of a skill: what it is for, another one tells. */
export function isOfBundle(path: string): boolean {
  return path.endsWith('/SKILL.md') || classify(path).kind === 'part';
}

function isGenerated({ path }: FileDiff): boolean {
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

function fileDiff(pair: FilePair): FileDiff {
  const { path, from, before, after, unread, difference } = pair;
  const declared = classify(path);
  const isThere = { before: (unread ?? pair).before !== undefined, after: (unread ?? pair).after !== undefined };
  const op: FileDiff['op'] =
    from !== undefined ? 'renamed' : !isThere.before ? 'added' : !isThere.after ? 'removed' : 'changed';
  const what = {
    path,
    ...(from !== undefined && { from }),
    ...(declared.kind === 'resource' && { resource: declared.id }),
    op,
    ...(before && after && before.mode !== after.mode && { mode: { before: before.mode, after: after.mode } }),
  };
  if (difference) {
    // Not before somebody wants to know.
    return {
      ...what,
      get bytes() {
        return difference.bytes;
      },
      get hunks() {
        return difference.hunks;
      },
    };
  }
  const sizes = unread ?? { before: before?.bytes.length, after: after?.bytes.length };
  const diff = unread ? { kind: 'too-large' as const } : textDiff(before, after);
  return {
    ...what,
    ...(diff.kind !== 'text' && { summary: diff.kind }),
    bytes: { before: sizes.before ?? 0, after: sizes.after ?? 0 },
    hunks: diff.kind === 'text' ? diff.hunks : [],
  };
}

async function problemsOf(
  pairs: readonly FilePair[],
  files: readonly FileDiff[],
  past?: PastFiles,
): Promise<Problem[]> {
  const large = files.filter(({ summary }) => summary === 'too-large');
  const [first] = large;
  const found = (await Promise.all(pairs.map(pair => invalid(pair, past)))).flat();
  await past?.save();
  if (first) {
    const more = large.length > 1 ? ` and ${large.length - 1} more` : '';
    const limit = `${MAX_TEXT_BYTES} bytes a file, ${MAX_TOTAL_BYTES} together`;
    found.push(problem('DIFF_TOO_LARGE', `\`${first.path}\`${more}: only sizes are told; shown are at most ${limit}`));
  }
  return found;
}

/** Of more files than this it is not told whether they validate. */
const MOST_PARSED = 50;

/** What a single file's own content is refused for, where it is new. */
async function invalid({ path, after, blob = '' }: FilePair, past?: PastFiles): Promise<Problem[]> {
  if (!after || classify(path).kind !== 'resource') return [];
  const file = { path, mode: after.mode, oid: blob };
  const parsed = past?.parsed(file) ?? (await import('../../schema/parser.ts')).parseFile(file, after.bytes);
  past?.keep(undefined, file.mode, parsed);
  const { problems } = parsed;
  const [first] = problems.filter(({ severity }) => severity === 'error');
  if (!first) return [];
  return [problem('REVISION_INVALID', `it does not validate: ${first.message}`, { at: first.at ?? { file: path } })];
}
