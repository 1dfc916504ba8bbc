import type { StepContext, StepResult } from './step.ts';

/** Read and parse what differs from the commit read last. */
export async function read({ follower, pass, signal }: StepContext): Promise<StepResult> {
  if (pass.commit === undefined) return 'done';
  const found = await follower.read(pass.commit, signal);
  if ('problem' in found) return found;
  pass.files = found.files;
  return 'next';
}
