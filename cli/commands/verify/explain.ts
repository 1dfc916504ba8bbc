import type { Check, Verdict } from '../../../repo/trust/index.ts';
import { rootFingerprint } from '../../../schema/index.ts';
import { harmless } from '../../output.ts';

/** What each link of the chain rests on, and which checks are about it. */
const LINKS: readonly { title: string; why: string; checks: readonly string[] }[] = [
  { title: 'root', why: 'pinned on this machine; each further version is signed by the one before', checks: ['root'] },
  { title: 'key', why: 'the root says who may sign releases', checks: ['signature', 'namespace', 'key'] },
  {
    title: 'tag',
    why: 'the key signed the tag: which release of which repository, and which number in the row',
    checks: [
      'object',
      'tag',
      'name',
      'message',
      'repository',
      'root version',
      'version',
      'sequence',
      'expiry',
      'unmoved',
    ],
  },
  { title: 'manifest', why: 'the tag has the sha256 of the manifest', checks: ['commit', 'manifest'] },
  { title: 'file', why: 'the manifest has path, mode, size and sha256 of every file', checks: ['tree', 'files'] },
];

const SIGNS = { ok: '✔', failed: '✗', skipped: '-' } as const;

/** A verdict as the chain it is. */
export function explain(ref: string, verdict: Verdict): string {
  const { checks, chain } = verdict;
  const lines = LINKS.flatMap(({ title, why, checks: own }) => [
    `${title}: ${why}`,
    ...(title === 'root' ? chain.map(({ signed }) => `    version ${signed.version}  ${rootFingerprint(signed)}`) : []),
    ...checks.filter(({ name }) => own.includes(name)).map(check),
  ]);
  return `${ref.slice('refs/tags/'.length)}\n${lines.join('\n')}\n`;
}

function check({ name, result, detail }: Check): string {
  return `  ${SIGNS[result]} ${name}: ${harmless(detail)}`;
}
