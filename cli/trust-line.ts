import type { Status } from '../reconciler/index.ts';
import { harmless } from './output.ts';

/** Whose word counts for what a daemon serves; what is wrong with that, and since when. */
export function trustLine({ repository, release, conditions }: Status): string {
  if (repository.mode === 'open') return 'open: nobody’s signature is checked';
  if (repository.mode === 'forge') return 'forge: relies on the remote’s protection of the branch';
  const why = conditions
    .filter(({ type, status }) => `${type} ${status}` === 'Trusted False' || `${type} ${status}` === 'Stale True')
    .map(({ message, since }) => `${harmless(message)}, since ${since}`);
  const is = release
    ? `v${release.version}, sequence ${release.sequence}, signed by ${harmless(release.signer)}`
    : 'none accepted';
  return `release: ${[is, ...why].join('; ')}`;
}
