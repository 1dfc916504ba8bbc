import { describe, expect, it } from 'vitest';
import { link } from '../catalog.ts';
import { parseFile } from '../parse.ts';
import { parseCodeowners } from './codeowners.ts';
import { judge, needsProposal, type Policy, type ProposedChange, policyDigest, type SignedStatement } from './judge.ts';
import type { Statement } from './statement.ts';

const keys = {
  ann: 'ssh-ed25519 QW5u',
  ann2: 'ssh-ed25519 QW5uMg==',
  bob: 'ssh-ed25519 Qm9i',
  cid: 'ssh-ed25519 Q2lk',
  bot: 'ssh-ed25519 Qm90',
  shared: 'ssh-ed25519 c2hhcmVk',
  stranger: 'ssh-ed25519 eA==',
};
type Key = keyof typeof keys;

function yaml(kind: string, spec: unknown): string {
  return JSON.stringify({ apiVersion: 'mcpctl.dev/v1', kind, spec });
}

/** People: ann (two keys), bob and cid are users, bot is a program; the group `team` has ann and bob. */
function policy(review: unknown, codeowners = '', more: Record<string, string> = {}): Policy {
  const user = (name: string, ...own: Key[]) =>
    yaml('User', { email: `${name}@x.example`, sshKeys: own.map(key => keys[key]) });
  const files: Record<string, string> = {
    'mcpctl.yaml': yaml('Repository', { id: 'x.example', ...(review !== undefined && { review }) }),
    'access/users/ann.yaml': user('ann', 'ann', 'ann2', 'shared'),
    'access/users/bob.yaml': user('bob', 'bob', 'shared'),
    'access/users/cid.yaml': user('cid', 'cid'),
    'access/serviceaccounts/bot.yaml': yaml('ServiceAccount', { sshKeys: [keys.bot] }),
    'access/groups/inner.yaml': yaml('Group', { members: [{ kind: 'User', name: 'bob' }] }),
    'access/groups/team.yaml': yaml('Group', {
      members: [
        { kind: 'User', name: 'ann' },
        { kind: 'Group', name: 'inner' },
      ],
    }),
    ...more,
  };
  const parsed = Object.entries(files).map(([path, text]) =>
    parseFile({ path, mode: '100644', oid: '0'.repeat(40) }, Buffer.from(text)),
  );
  expect(parsed.flatMap(({ problems }) => problems.filter(({ severity }) => severity === 'error'))).toEqual([]);
  const { catalog } = link(parsed.flatMap(({ resource }) => resource ?? []));
  return { review: catalog.repository?.spec.review, codeowners: parseCodeowners(codeowners), prefix: '', catalog };
}

const digest = (of: string) => `sha256:${of.repeat(64).slice(0, 64)}`;
const expected = {
  repository: 'x.example',
  proposal: 'server-a-0a1b2c',
  head: 'a'.repeat(40),
  planDigest: digest('1'),
  policyDigest: digest('2'),
};

function says(verdict: Statement['verdict'], key: Key, more: Partial<Statement> = {}): SignedStatement {
  const statement = { ...expected, verdict, reason: 'because', ...more };
  return { statement, key: keys[key], fingerprint: `SHA256:${key.padEnd(43, '0')}` };
}

const change: ProposedChange = { paths: ['servers/a.yaml'], emails: ['zoe@x.example'], keys: [], session: false };
const team = (approvals: number, more = {}) => ({
  protect: [{ paths: ['servers/'], owners: { groups: ['team'] }, approvals, ...more }],
});

describe('judging a change', () => {
  it.each<[string, Policy, Partial<ProposedChange>, SignedStatement[], string, string[]?]>([
    ['nothing asks for approval', policy(undefined), {}, [], 'approved'],
    ['nobody has said anything', policy(team(1)), {}, [], 'pending'],
    ['other paths are protected', policy(team(1)), { paths: ['prompts/a.md'] }, [], 'approved'],
    ['one approval of one', policy(team(1)), {}, [says('approve', 'ann')], 'approved'],
    ['a member of a group within the group', policy(team(1)), {}, [says('approve', 'bob')], 'approved'],
    ['one of two', policy(team(2)), {}, [says('approve', 'ann')], 'pending'],
    ['two of two', policy(team(2)), {}, [says('approve', 'ann'), says('approve', 'bob')], 'approved'],
    ['one person with two keys', policy(team(2)), {}, [says('approve', 'ann'), says('approve', 'ann2')], 'pending'],
    ['somebody outside', policy(team(1)), {}, [says('approve', 'cid')], 'pending', ['REVIEW_NOT_ENTITLED']],
    ['a stranger', policy(team(1)), {}, [says('approve', 'stranger')], 'pending', ['REVIEW_NOT_ENTITLED']],
    ['a key of two people', policy(team(1)), {}, [says('approve', 'shared')], 'pending', ['REVIEW_NOT_ENTITLED']],
    ['approved, then rejected', policy(team(1)), {}, [says('approve', 'ann'), says('reject', 'ann')], 'rejected'],
    ['rejected, then approved', policy(team(1)), {}, [says('reject', 'ann'), says('approve', 'ann')], 'approved'],
    [
      'approved, rejected, and the old approval once more',
      policy(team(1)),
      {},
      [says('approve', 'ann'), says('reject', 'ann'), says('approve', 'ann')],
      'rejected',
    ],
    ['one approves, one rejects', policy(team(1)), {}, [says('approve', 'ann'), says('reject', 'bob')], 'rejected'],
    ['rejected by somebody outside', policy(team(1)), {}, [says('approve', 'ann'), says('reject', 'cid')], 'approved'],
    [
      'the author by address',
      policy(team(1)),
      { emails: ['Ann@X.example'] },
      [says('approve', 'ann')],
      'pending',
      ['REVIEW_SELF_APPROVAL'],
    ],
    [
      'an author whose key somebody else claims, too',
      policy(team(1)),
      { keys: [keys.shared] },
      [says('approve', 'ann')],
      'pending',
      ['REVIEW_SELF_APPROVAL'],
    ],
    [
      'an author whose address somebody else has, too',
      policy(team(1), '', { 'access/users/dee.yaml': yaml('User', { email: 'ANN@x.example' }) }),
      { emails: ['ann@x.example'] },
      [says('approve', 'ann')],
      'pending',
      ['REVIEW_SELF_APPROVAL'],
    ],
    [
      'a patch of what is protected',
      policy({ protect: [{ paths: ['/servers/a.yaml'], owners: { groups: ['team'] }, approvals: 1 }] }),
      { paths: ['environments/prod/servers/a.yaml'] },
      [],
      'pending',
    ],
    [
      'a patch of what CODEOWNERS gives to somebody, where somebody else has patches',
      policy(undefined, '/servers/ @ann\n/environments/ @bob\n'),
      { paths: ['environments/prod/servers/a.yaml'] },
      [says('approve', 'bob')],
      'pending',
    ],
    [
      'a patch of what decides who reviews',
      policy(team(1)),
      { paths: ['environments/prod/access/groups/team.yaml'] },
      [],
      'pending',
    ],
    [
      'the author by key',
      policy(team(1)),
      { keys: [keys.ann2] },
      [says('approve', 'ann')],
      'pending',
      ['REVIEW_SELF_APPROVAL'],
    ],
    [
      'the author, where that is allowed',
      policy({ ...team(1), selfApproval: true }),
      { emails: ['ann@x.example'] },
      [says('approve', 'ann')],
      'approved',
    ],
    [
      'the author of a session’s change, where self-approval is allowed',
      policy({ ...team(1), selfApproval: true }),
      { emails: ['ann@x.example'], session: true },
      [says('approve', 'ann')],
      'pending',
      ['REVIEW_SELF_APPROVAL'],
    ],
    [
      'withdrawn by its author',
      policy(team(1)),
      { emails: ['cid@x.example'] },
      [says('approve', 'ann'), says('withdraw', 'cid')],
      'withdrawn',
    ],
    ['withdrawn by somebody else', policy(team(1)), {}, [says('approve', 'ann'), says('withdraw', 'bob')], 'approved'],
    [
      'a key that may not sign here',
      policy(team(1, { signers: [`SHA256:${'ann2'.padEnd(43, '0')}`] })),
      {},
      [says('approve', 'ann')],
      'pending',
    ],
    [
      'the key that may',
      policy(team(1, { signers: [`SHA256:${'ann2'.padEnd(43, '0')}`] })),
      {},
      [says('approve', 'ann2')],
      'approved',
    ],
    ['an owner by CODEOWNERS', policy(undefined, '/servers/ @cid\n'), {}, [says('approve', 'cid')], 'approved'],
    [
      'not the owner by CODEOWNERS',
      policy(undefined, '* @cid\n'),
      {},
      [says('approve', 'ann')],
      'pending',
      ['REVIEW_NOT_ENTITLED'],
    ],
    ['a team of CODEOWNERS', policy(undefined, '* @x/team # all\n'), {}, [says('approve', 'bob')], 'approved'],
    ['an address of CODEOWNERS', policy(undefined, '* cid@x.example\n'), {}, [says('approve', 'cid')], 'approved'],
    [
      'the last line wins',
      policy(undefined, '* @cid\n*.yaml @ann\n'),
      {},
      [says('approve', 'cid')],
      'pending',
      ['REVIEW_NOT_ENTITLED'],
    ],
    ['owned by nobody', policy(undefined, '* @cid\n/servers/\n'), {}, [], 'approved'],
    [
      'two rules, one satisfied',
      policy({ protect: [...team(1).protect, { paths: ['*'], owners: { users: ['cid'] } }] }),
      {},
      [says('approve', 'ann')],
      'pending',
    ],
    [
      'a change of the policy that no rule names',
      policy(team(1)),
      { paths: ['mcpctl.yaml'] },
      [says('approve', 'cid')],
      'pending',
      ['REVIEW_NOT_ENTITLED'],
    ],
    ['… approved by an owner', policy(team(1)), { paths: ['mcpctl.yaml'] }, [says('approve', 'ann')], 'approved'],
    ['… people are a part of it', policy(team(1)), { paths: ['access/users/eve.yaml'] }, [], 'pending'],
    [
      'everybody who may review by a binding',
      policy({ protect: [{ paths: ['servers/'] }] }, '', {
        'access/bindings/r.yaml': yaml('RoleBinding', {
          subjects: [{ kind: 'User', name: 'cid' }],
          role: 'review',
          resources: [{ kind: 'Server' }],
        }),
      }),
      {},
      [says('approve', 'cid')],
      'approved',
    ],
    [
      'a binding for another kind',
      policy({ protect: [{ paths: ['servers/'] }] }, '', {
        'access/bindings/r.yaml': yaml('RoleBinding', {
          subjects: [{ kind: 'User', name: 'cid' }],
          role: 'review',
          resources: [{ kind: 'Prompt' }],
        }),
      }),
      {},
      [says('approve', 'cid')],
      'pending',
      ['REVIEW_NOT_ENTITLED'],
    ],
    ...(['repository', 'proposal', 'head', 'planDigest', 'policyDigest'] as const).map(
      (field): [string, Policy, Partial<ProposedChange>, SignedStatement[], string, string[]] => [
        `a statement with another ${field}`,
        policy(team(1)),
        {},
        [says('approve', 'ann', { [field]: field.endsWith('Digest') ? digest('9') : `${expected[field]}x` })],
        'pending',
        ['REVIEW_STALE'],
      ],
    ),
  ])('%s', (_situation, given, more, statements, verdict, discounted = []) => {
    const judged = judge(given, { ...change, ...more }, expected, statements);
    expect(judged.verdict).toBe(verdict);
    expect(judged.discounted.map(({ problem }) => problem.code)).toEqual(discounted);
  });

  it('CODEOWNERS starts at the top of the git repository', () => {
    const given = { ...policy(undefined, '/ai/servers/ @cid\n/servers/ @ann\n'), prefix: 'ai/' };
    expect(judge(given, change, expected, []).requirements.map(one => one.owners)).toEqual([['user/cid']]);
  });

  it('says what is missing, and whose approval would count', () => {
    const { requirements } = judge(policy(team(2)), change, expected, [says('approve', 'ann')]);
    expect(requirements).toEqual([
      {
        because: 'review.protect servers/',
        paths: ['servers/a.yaml'],
        needed: 2,
        owners: ['user/ann', 'user/bob'],
        approvedBy: ['user/ann'],
      },
    ]);
  });
});

it.each<[string, Policy, string, boolean]>([
  ['no policy', policy(undefined), 'servers/a.yaml', false],
  ['protected', policy(team(1)), 'servers/a.yaml', true],
  ['protected by CODEOWNERS', policy(undefined, '* @ann'), 'servers/a.yaml', true],
  ['not protected', policy(team(1)), 'prompts/a.md', false],
  ['a kind that may go straight to main', policy({ direct: ['Prompt'] }), 'prompts/a.md', false],
  ['a skill’s file', policy({ direct: ['skill'] }), 'skills/review/run.sh', false],
  ['a kind that may not', policy({ direct: ['Prompt'] }), 'servers/a.yaml', true],
  ['a kind that may, but is protected', policy({ ...team(1), direct: ['Server'] }), 'servers/a.yaml', true],
  ['what is no resource', policy({ direct: ['Prompt'] }), 'README.md', true],
])('straight to main: %s', (_situation, given, path, refused) => {
  expect(needsProposal(given, [path]).map(one => one.path)).toEqual(refused ? [path] : []);
});

it('the digest of a policy changes with whoever decides, and with nothing else', () => {
  const first = policyDigest(policy(team(1)));
  expect(policyDigest(policy(team(1)))).toBe(first);
  expect(policyDigest(policy(team(1), '', { 'prompts/a.md': '---\ntitle: A\n---\nA\n' }))).toBe(first);
  expect(policyDigest(policy(team(2)))).not.toBe(first);
  expect(policyDigest(policy(team(1), '* @ann'))).not.toBe(first);
  const more = { 'access/users/eve.yaml': yaml('User', { email: 'eve@x.example' }) };
  expect(policyDigest(policy(team(1), '', more))).not.toBe(first);
});
