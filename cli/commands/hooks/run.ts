import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { gatePush, type PushedRef, preview } from '../../../reconciler/index.ts';
import { hookWorkspace, trailersOf, type Workspace } from '../../../repo/forges/index.ts';
import { readObjects } from '../../../repo/index.ts';
import { type Problem, ProblemError, problem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { showProblem } from '../../style.ts';

export interface HookOptions extends CliContext {
  hook: string;
  given: readonly string[];
}

const ZERO = /^0+$/;

/**
 * Do what a hook does: exit 1 keeps git from going on, with all problems on stderr.
 * @throws ProblemError USAGE, and those of reading
 */
export async function runHook(options: HookOptions): Promise<ExitCode> {
  const { hook } = options;
  switch (hook) {
    case 'pre-commit': {
      const { runValidate } = await import('../validate/run.ts');
      const io = { ...options.io, stdout: options.io.stderr, quiet: true };
      return runValidate({ ...options, io, dir: '.', staged: true, output: 'table' });
    }
    case 'commit-msg':
      return told(options, await checkMessage(options));
    case 'pre-push':
      return told(options, await checkPush(options));
    case 'pre-receive':
      return told(options, await checkReceive(options));
    default:
      throw new ProblemError(problem('USAGE', `\`${hook}\` is no hook of mcpctl's`));
  }
}

function told({ io }: HookOptions, problems: readonly Problem[]): ExitCode {
  for (const found of problems) io.stderr(showProblem(io, found));
  return problems.length === 0 ? ExitCodes.ok : ExitCodes.failed;
}

const VERSION = /^v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;

/** Trailers that mcpctl reads, and what each may say. */
const trailers: Readonly<Record<string, { fits: RegExp; say: string }>> = {
  bump: { fits: /^(?:major|minor|patch)$/, say: '`Bump: major`, `minor` or `patch`' },
  version: { fits: VERSION, say: '`Version: 1.2.3`' },
  'proposal-id': { fits: /^[a-z]+-[a-z0-9-]+-[0-9a-f]{6}$/, say: 'a proposal’s id' },
  restores: { fits: /^\S.*$/, say: 'what was restored' },
};

/** Trailers are hints, but one that says nothing that can be understood is a mistake. */
async function checkMessage({ given: [file], io }: HookOptions): Promise<Problem[]> {
  if (file === undefined) throw new ProblemError(problem('USAGE', 'git names the file of the message'));
  const lines = (await readFile(file, 'utf8')).split('\n').filter(line => !line.startsWith('#'));
  const found = trailersOf(lines.join('\n'));
  const wrong = found.flatMap(([key, value]) => {
    const rule = trailers[key.toLowerCase()];
    return rule && !rule.fits.test(value)
      ? [problem('TRAILER_INVALID', `\`${key}: ${value.slice(0, 100)}\` is not understood: it is ${rule.say}`)]
      : [];
  });
  const hinted = found.some(([key]) => /^(?:bump|version)$/i.test(key));
  if (wrong.length === 0 && !hinted && io.quiet !== true) {
    io.stderr(
      'mcpctl: the next release raises what you changed by a patch; `Bump: minor` as the last line says otherwise\n',
    );
  }
  return wrong;
}

/** Every branch that is pushed has to be valid, as far as its own changes go. */
async function checkPush(options: HookOptions): Promise<Problem[]> {
  const workspace = await hookWorkspace(options);
  const lines = (await readInput(options)).split('\n').filter(line => line !== '');
  const found: Problem[] = [];
  for (const line of lines) {
    const [, local = '', ref = '', remote = ''] = line.split(' ');
    if (!ref.startsWith('refs/heads/') || ref.startsWith('refs/heads/reviews/') || ZERO.test(local)) continue;
    const known = !ZERO.test(remote) && (await workspace.git(['cat-file', '-e', remote])).code === 0;
    const before = known ? await readObjects(workspace, remote, options.env) : [];
    const after = await filesOf(workspace, local, options);
    const { introduced } = preview({ name: 'the remote', files: before }, { name: ref, files: after });
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

async function checkReceive(options: HookOptions): Promise<Problem[]> {
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
