import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mcpctlHome } from './home.ts';

describe('mcpctlHome', () => {
  it.each([
    ['named by MCPCTL_HOME', { MCPCTL_HOME: '/srv/m', HOME: '/home/a' }, '/srv/m'],
    ['below HOME', { HOME: '/home/a' }, '/home/a/.mcpctl'],
    ['an empty MCPCTL_HOME counts as none', { MCPCTL_HOME: '', HOME: '/home/a' }, '/home/a/.mcpctl'],
    ['no HOME: the account’s own', {}, join(homedir(), '.mcpctl')],
  ])('%s', (_situation, env, expected) => {
    expect(mcpctlHome(env)).toBe(expected);
  });
});
