import { type Inspected, trailer } from '../../../repo/history/index.ts';
import type { Column } from '../../output.ts';
import { shortCommit } from '../../style.ts';

/** The columns of a list of revisions. @param withIds they are of several resources */
export function revisionColumns(of: { withIds: boolean; withDigest: boolean }): Column<Inspected>[] {
  return [
    ...(of.withIds ? [{ header: 'RESOURCE', cell: ({ id }: Inspected) => id }] : []),
    { header: 'VERSION', cell: ({ version }) => (version === '' ? '' : `v${version}`) },
    { header: 'COMMIT', cell: ({ commit }) => shortCommit(commit) },
    { header: 'CHANGE', cell: ({ op, problems }) => (problems.length > 0 ? `${op} (does not validate)` : op) },
    { header: 'AUTHOR', cell: ({ author }) => author.name },
    { header: 'RELEASE', cell: ({ release, verdict }) => [release, verdict].filter(Boolean).join(' ') },
    { header: 'DATE', cell: ({ date }) => date.slice(0, 10) },
    { header: 'PROPOSAL', cell: ({ origin }) => origin.proposal ?? '' },
    { header: 'APPROVER', wide: true, cell: ({ origin }) => origin.approvers.join(', ') },
    { header: 'DIGEST', wide: !of.withDigest, cell: ({ digest }) => digest ?? '' },
    { header: 'FILE', wide: true, cell: ({ main }) => main },
    { header: 'NOTE', cell: one => trailer(one, 'Note') ?? one.subject },
  ];
}
