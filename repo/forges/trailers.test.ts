import { expect, it } from 'vitest';
import { statementText } from '../../schema/index.ts';
import { commitMessage, mergeMessage, statementsIn, trailer } from './index.ts';

it.each<[string, string, [string, string][]]>([
  ['a value of blanks', 'Add', [['Reason', ' ']]],
  ['a value of control characters', 'Add', [['Reason', '\u0007\n']]],
  ['an empty value', 'Add', [['Reason', '']]],
  ['a subject of blanks', ' ', []],
  ['a subject of control characters', '\u001b', []],
  ['a subject that is cut', `${'a'.repeat(199)} b`, []],
])('%s keeps no other trailer from being one', (_situation, subject, more) => {
  const message = commitMessage(subject, '', [['Session-Id', 's-1'], ...(more as ['Reason', string][])]);
  expect(trailer(message, 'Session-Id')).toBe('s-1');
});

it('a statement with the longest of reasons stays what it is', () => {
  const statement = {
    repository: 'r'.repeat(128),
    proposal: 'server-new-0a1b2c',
    head: 'a'.repeat(64),
    planDigest: `sha256:${'1'.repeat(64)}`,
    policyDigest: `sha256:${'2'.repeat(64)}`,
    verdict: 'reject' as const,
    reason: '\u0001'.repeat(4096),
  };
  const found = { text: statementText(statement), signature: Buffer.alloc(2048, 1).toString('base64') };
  expect(statementsIn(mergeMessage({ id: statement.proposal, title: 'x' }, [found]))).toEqual([found]);
});
