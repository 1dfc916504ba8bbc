import type { ReleasedVersion } from './releases.ts';
import type { Revision } from './revisions.ts';

const NEVER_RELEASED = '0.0.0';

/**
 * Give revisions their versions. The newest revision with a release's content, not younger than the release, has its
 * version; what came after it is counted from there: `1.4.0+3.g1a2b3c4`. Pure.
 * @param revisions newest first
 * @param versions oldest first
 */
export function labelRevisions(revisions: readonly Revision[], versions: readonly ReleasedVersion[]): Revision[] {
  const labels = new Map<string, ReleasedVersion>();
  for (const released of versions) {
    const found = revisions.find(
      ({ oid, date, commit }) =>
        oid === released.oid && Date.parse(date) <= released.release.at * 1000 && !labels.has(commit),
    );
    if (found) labels.set(found.commit, released);
  }
  let base = NEVER_RELEASED;
  let since = 0;
  const labelled = revisions.toReversed().map((revision): Revision => {
    const released = labels.get(revision.commit);
    if (released) {
      base = released.version;
      since = 0;
      return { ...revision, version: base, release: released.release.name };
    }
    since += 1;
    return { ...revision, version: `${base}+${since}.g${revision.commit.slice(0, 7)}` };
  });
  return labelled.reverse();
}
