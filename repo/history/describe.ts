import { type Problem, ProblemError, problem, type Risk } from '../../schema/index.ts';
import type { Oid } from '../types.ts';
import { readPairs, skillContext } from './changes.ts';
import { compareFiles } from './compare.ts';
import { type History, isShallow } from './history.ts';
import { type Commit, readLog } from './log.ts';
import { resolveRevision } from './names.ts';
import { type Origin, originsOf } from './origins.ts';
import { type Touch, touchedBy } from './touched.ts';

/** Everything about one revision. */
export interface DescribedRevision {
  commit: Commit;
  origin: Origin;
  touched: Touch[];
  risks: Risk[];
  problems: Problem[];
}

/** Look at one commit: who, why, from where, what it did, what to look at. */
export async function describeRevision(history: History, oid: Oid): Promise<DescribedRevision> {
  const [commit] = await readLog(history, { from: oid, args: ['--max-count=1', '--no-renames'] });
  if (!commit) throw new ProblemError(problem('READ_FAILED', `git log has no ${oid}`));
  const origins = await originsOf(history, await branchOf(history, oid), [commit]);
  const pairs = await readPairs(history, commit.files);
  const context = await skillContext(history, commit.parents[0] ?? oid, oid, commit.files);
  const { risks, problems } = await compareFiles(pairs, context, history.past);
  const cut = commit.parents.length === 0 && (await isShallow(history));
  return {
    commit,
    origin: origins.get(oid) ?? { approvers: [] },
    touched: await touchedBy(history, commit),
    risks,
    problems: cut ? [...problems, problem('HISTORY_SHALLOW', 'what came before it is not here')] : problems,
  };
}

/** A described revision as data: what is stable and documented. */
export function describedDocument(described: DescribedRevision): Record<string, unknown> {
  const { files, ...facts } = described.commit;
  const resources = described.touched.map(({ id, op }) => ({ id, op }));
  return { ...facts, ...described.origin, resources, risks: described.risks, problems: described.problems };
}

/** Where it was merged to is known from there; a commit that is not on the branch yet knows only itself. */
async function branchOf(history: History, oid: Oid): Promise<Oid> {
  const tip = await resolveRevision(history, 'HEAD');
  const output = await history.git(['merge-base', '--all', oid, tip]).catch(() => Buffer.from(''));
  return output.toString().split('\n').includes(oid) ? tip : oid;
}
