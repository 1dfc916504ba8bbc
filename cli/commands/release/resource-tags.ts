import type { VerifiedRelease } from '../../../repo/trust/index.ts';
import { verifyRelease } from '../../../repo/trust/index.ts';
import type { ManifestResource } from '../../../schema/index.ts';
import { chainAtHead, type ReleasePlace } from '../../release-place.ts';

/** The tags for the versions that a release gave: those which the release before does not have. */
export async function resourceTags(place: ReleasePlace, release: VerifiedRelease): Promise<string[]> {
  const { previous } = release.message;
  const before = new Map<string, string>();
  if (previous) {
    const chain = await chainAtHead(place);
    const ref = `refs/tags/${previous.tag}`;
    const found = await verifyRelease({ ...place.workshop, ref, chain, now: Date.now(), asOf: 'stated' });
    for (const { id, version } of found.release?.manifest.resources ?? []) before.set(id, version);
  }
  return release.manifest.resources
    .filter(({ id, version }) => before.get(id) !== version)
    .map(resource => tagName(place.workshop.path, resource));
}

/** `skills/review/v1.2.0`: where the resource is, and its version. */
function tagName(path: string, { files, version }: ManifestResource): string {
  const main = files.map(file => file.path).find(file => file.endsWith('/SKILL.md')) ?? files[0]?.path ?? '';
  const place = /\/(?:SKILL\.md|project\.yaml|agent\.yaml|package-lock\.json)$/.test(main)
    ? main.slice(0, main.lastIndexOf('/'))
    : main.replace(/\.(?:yaml|md|json)$/, '');
  return `${path === '' ? '' : `${path}/`}${place}/v${version}`;
}
