import { chainFrom, newest, type RootChain, readRootDocuments } from '../../../repo/trust/index.ts';
import { rootFingerprint } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { openPlace, type ReleasePlace } from '../../release-place.ts';

export interface ShowOptions extends CliContext {
  output: 'text' | 'json';
}

/** The root as `HEAD` has it, and what this machine pinned and accepted. */
export async function runShow(options: ShowOptions): Promise<ExitCode> {
  const place = await openPlace(options);
  const chain = chainFrom(await readRootDocuments(place.workshop, place.head), { pinned: place.trust?.chain });
  const shown = describe(place, chain);
  options.io.stdout(options.output === 'json' ? `${JSON.stringify(shown, undefined, 2)}\n` : asText(shown));
  return ExitCodes.ok;
}

function describe({ repository, trust }: ReleasePlace, chain: RootChain) {
  const root = newest(chain);
  return {
    repository: repository.spec.id,
    mode: trust ? 'release' : (repository.spec.trust?.mode ?? 'open'),
    roots: chain.map(({ signed }) => ({ version: signed.version, fingerprint: rootFingerprint(signed) })),
    keys: Object.entries(root.keys).map(([id, { name }]) => ({
      id,
      name,
      roles: (['root', 'release', 'renew'] as const).filter(role => root.roles[role].keys.includes(id)),
    })),
    threshold: root.roles.root.threshold,
    pinned: trust ? { fingerprint: trust.fingerprint, remotes: trust.remotes } : null,
    mark: trust?.mark
      ? {
          version: trust.mark.version,
          sequence: trust.mark.sequence,
          acceptedAt: trust.mark.acceptedAt,
          lowered: trust.mark.lowered,
        }
      : null,
  };
}

function asText(shown: ReturnType<typeof describe>): string {
  const { repository, mode, roots, keys, threshold, pinned, mark } = shown;
  return [
    `repository  ${repository}, trust mode ${mode}`,
    ...roots.map(({ version, fingerprint }) => `root ${String(version).padEnd(6)} ${fingerprint}`),
    ...keys.map(({ id, name, roles }) => `key         ${name}  ${id}  ${roles.join(', ') || 'no role'}`),
    `threshold   ${threshold} of the root keys sign a new root`,
    `pinned      ${pinned ? `${pinned.fingerprint} for ${pinned.remotes.join(', ')}` : 'not on this machine'}`,
    `accepted    ${mark ? `v${mark.version}, sequence ${mark.sequence}, at ${mark.acceptedAt}` : 'no release yet'}`,
    ...(mark?.lowered ?? []).map(({ at, from, to }) => `lowered     ${at}: from sequence ${from} to ${to}`),
    '',
  ].join('\n');
}
