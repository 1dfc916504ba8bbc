import { environmentsOf } from '../../schema/index.ts';
import { type Preview, preview, type Revision } from '../preview.ts';

/** What a change would do on machines that run an environment. */
export interface EnvironmentPlan extends Pick<Preview, 'steps' | 'changes'> {
  name: string;
  /** Why those machines would take nothing over and stay as they are. */
  refused?: string;
}

/**
 * The plan of each environment whose own files change; of the others, as of what has no environment, the plan itself
 * tells. Sorted by name.
 * @param paths what changes, below the repository's root folder
 */
export async function environmentPlans(
  before: Revision,
  after: Revision,
  paths: readonly string[],
): Promise<EnvironmentPlan[]> {
  const touched = new Set(paths.flatMap(path => /^environments\/([^/]+)\//.exec(path)?.[1] ?? []));
  const plans: EnvironmentPlan[] = [];
  for (const name of environmentsOf([...before.files, ...after.files])) {
    if (!touched.has(name)) continue;
    const { steps, changes, problems } = await preview(before, after, name);
    const gone = problems.find(({ code, at }) => code === 'ENVIRONMENT_UNKNOWN' && at?.file === 'environments');
    plans.push(gone ? { name, steps: [], changes: [], refused: gone.message } : { name, steps, changes });
  }
  return plans;
}
