import { text } from 'node:stream/consumers';
import { gatePush, type PushedRef, preview } from '../../../reconciler/index.ts';
import { hookWorkspace, type Workspace } from '../../../repo/forges/index.ts';
import { readObjects } from '../../../repo/index.ts';
import { type Problem, ProblemError, problem } from '../../../schema/index.ts';
import type { HookOptions } from './run.ts';

const ZERO = /^0+$/;

/** Every branch that is pushed has to be valid, as far as its own changes go. */
export async function checkPush(options: HookOptions): Promise<Problem[]> {
  const workspace = await hookWorkspace(options);
  const lines = (await readInput(options)).split('\n').filter(line => line !== '');
  const found: Problem[] = [];
  for (const line of lines) {
    const [, local = '', ref = '', remote = ''] = line.split(' ');
    if (!ref.startsWith('refs/heads/') || ref.startsWith('refs/heads/reviews/') || ZERO.test(local)) continue;
    const known = !ZERO.test(remote) && (await workspace.git(['cat-file', '-e', remote])).code === 0;
    const before = known ? await readObjects(workspace, remote, options.env) : [];
    const after = await filesOf(workspace, local, options);
    const { introduced } = await preview({ name: 'the remote', files: before }, { name: ref, files: after });
    found.push(...introduced.filter(({ severity }) => severity === 'error'));
  }
  return found;
}

/** A branch that has nothing to do with the format is none of our business. */
async function filesOf(workspace: Workspace, commit: string, { env }: HookOptions) {
  return readObjects(workspace, commit, env).catch(error => {
    if (error instanceof ProblemError && error.problem.code === 'REPOSITORY_MISSING') return [];
    throw error;
  });
}

async function readInput({ stdin }: HookOptions): Promise<string> {
  return stdin ? text(stdin()) : '';
}

/** Everything that the server of a repository asks of a push. */
export async function checkReceive(options: HookOptions): Promise<Problem[]> {
  const workspace = await hookWorkspace(options);
  const pushed = (await readInput(options))
    .split('\n')
    .filter(line => line !== '')
    .map((line): PushedRef => {
      const [from = '', to = '', ref = ''] = line.split(' ');
      return { ref, from: ZERO.test(from) ? undefined : from, to: ZERO.test(to) ? undefined : to };
    });
  const variable = (await workspace.git(['config', '--get', 'mcpctl.pusherEnv'])).stdout.toString().trim();
  if (variable === '') return gatePush(workspace, pushed);
  const pusher = options.env[variable] ?? '';
  if (pusher === '') {
    return [problem('PUSH_REFUSED', `the server does not say who pushes: \`${variable}\` is not in its environment`)];
  }
  return gatePush(workspace, pushed, pusher);
}
