import { durationMs } from '../schema/index.ts';
import type { Draft } from './server-sight.ts';
import type { Status } from './status.ts';
import type { Facts } from './summarize.ts';

/** What is relied on: signatures, the remote's protection of its branch, or nobody. */
export function modeOf({ repository, catalog }: Facts): Status['repository']['mode'] {
  if (repository.mode === 'release') return 'release';
  return catalog?.repository?.spec.trust?.mode === 'forge' ? 'forge' : 'open';
}

export function releaseStatus({ trust }: Facts): Pick<Status, 'release'> {
  const release = trust?.release;
  if (!release) return {};
  const { version, sequence, rootVersion } = release.message;
  const releasedAt = new Date(release.taggedAt).toISOString();
  return {
    release: { version, sequence, signer: release.signer.name, rootVersion, releasedAt, commit: release.commit },
  };
}

/** Whether what is in service is the newest trusted release, and whether that is too old. Nothing in other modes. */
export function trustDrafts(facts: Facts, now: string): Draft[] {
  const { trust, repository, catalog } = facts;
  if (repository.mode !== 'release') return [];
  const release = trust?.release;
  const trusted: Draft =
    release && trust.waiting === undefined
      ? { type: 'Trusted', status: 'True', reason: 'ReleaseTrusted', message: told(release) }
      : {
          type: 'Trusted',
          status: 'False',
          reason: 'NoTrustedRelease',
          message: trust?.waiting ?? 'no release was seen yet',
        };
  const maxAge = durationMs(catalog?.repository?.spec.trust?.maxAge ?? '');
  if (maxAge === undefined || !release) return [trusted];
  const old = Date.parse(now) - release.taggedAt > maxAge;
  const message = old ? `v${release.message.version} is older than ${catalog?.repository?.spec.trust?.maxAge}` : '';
  return [trusted, { type: 'Stale', status: old ? 'True' : 'False', reason: old ? 'MaxAge' : 'Fresh', message }];
}

function told({ message, signer }: NonNullable<NonNullable<Facts['trust']>['release']>): string {
  return `v${message.version}, sequence ${message.sequence}, signed by ${signer.name}`;
}
