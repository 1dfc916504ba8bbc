import { expect, it } from 'vitest';
import { hiddenBy, isExposed } from './exposure.ts';

it.each<[string, { expose?: string[]; hide: string[] }, string, boolean]>([
  ['nothing said', { hide: [] }, 'files__read', true],
  ['hidden by name', { hide: ['files__read'] }, 'files__read', false],
  ['another one hidden', { hide: ['files__read'] }, 'files__read_all', true],
  ['hidden with its server', { hide: ['files__*'] }, 'files__read', false],
  ['another server hidden', { hide: ['files__*'] }, 'filesystem__read', true],
  ['exposed by name', { expose: ['files__read'], hide: [] }, 'files__read', true],
  ['not among the exposed', { expose: ['files__read'], hide: [] }, 'files__write', false],
  ['exposed and hidden: hidden', { expose: ['files__*'], hide: ['*write*'] }, 'files__write_all', false],
  ['nothing is exposed', { expose: [], hide: [] }, 'files__read', false],
  ['several stars', { hide: ['f*__*e*d'] }, 'files__read', false],
  ['the parts must not overlap', { hide: ['ab*ba'] }, 'aba', true],
  ['a star stands for nothing, too', { hide: ['files__read*'] }, 'files__read', false],
  ['a dot is a dot', { hide: ['files__r.ad'] }, 'files__read', true],
])('%s', (_situation, project, tool, expected) => {
  expect(isExposed(project, tool)).toBe(expected);
});

it('names the pattern that hides, and takes no longer for many stars', () => {
  expect(hiddenBy({ hide: ['a', 'f*'] }, 'files__read')).toBe('f*');
  expect(isExposed({ hide: [`${'*a'.repeat(60)}b`] }, 'a'.repeat(100_000))).toBe(true);
});
