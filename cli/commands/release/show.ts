import { oneLine } from '../../output.ts';
import { table } from '../../table.ts';
import type { Draft } from './draft.ts';

/** A draft as somebody looks at it before it is signed. */
export function showDraft(draft: Draft, output: 'text' | 'json'): string {
  const { message, next, commits, previous } = draft;
  const hints = commits
    .filter(({ hint }) => hint.bump !== undefined || hint.version !== undefined)
    .map(({ oid, subject, hint }) => ({ commit: oid, subject, ...hint }));
  if (output === 'json') {
    return `${JSON.stringify({ release: message, changes: next.changes, hints, commits: commits.length }, undefined, 2)}\n`;
  }
  const rows = next.changes.map(({ id, change, before, after }) => [id, change, before ?? '-', after ?? '-']);
  const from = previous ? ` after v${previous.message.version}` : ', the first';
  return [
    rows.length > 0
      ? table([['RESOURCE', 'CHANGE', 'BEFORE', 'VERSION'], ...rows])
      : 'no resource gets a new version\n',
    ...hints.map(
      ({ commit, subject, bump, version }) =>
        `hint of ${commit.slice(0, 7)} (${oneLine(subject)}): ${oneLine(version ?? bump ?? '')}\n`,
    ),
    `manifest  sha256:${message.manifest.sha256}, ${message.manifest.size} bytes\n`,
    ...(message.expires === undefined ? [] : [`expires   ${message.expires}\n`]),
    `sequence  ${message.sequence}${from}, under version ${message.rootVersion} of the root\n`,
    `v${message.version}\n`,
  ].join('');
}
