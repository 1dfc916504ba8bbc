import { readFile } from 'node:fs/promises';
import { trailersOf } from '../../../repo/forges/index.ts';
import { type Problem, ProblemError, problem } from '../../../schema/index.ts';
import type { HookOptions } from './run.ts';

const VERSION = /^v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;

/** Trailers that mcpctl reads, and what each may say. */
const trailers: Readonly<Record<string, { fits: RegExp; say: string }>> = {
  bump: { fits: /^(?:major|minor|patch)$/, say: '`Bump: major`, `minor` or `patch`' },
  version: { fits: VERSION, say: '`Version: 1.2.3`' },
  'proposal-id': { fits: /^[a-z]+-[a-z0-9-]+-[0-9a-f]{6}$/, say: 'a proposal’s id' },
  restores: { fits: /^\S.*$/, say: 'what was restored' },
};

/** Trailers are hints, but one that says nothing that can be understood is a mistake. */
export async function checkMessage({ given: [file], io }: HookOptions): Promise<Problem[]> {
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
