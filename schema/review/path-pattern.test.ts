import { describe, expect, it } from 'vitest';
import { matchesPath } from './path-pattern.ts';

describe('a path pattern', () => {
  it.each<[pattern: string, path: string, expected: boolean]>([
    ['*', 'mcpctl.yaml', true],
    ['*', 'servers/a.yaml', true],
    ['**', 'servers/a.yaml', true],
    ['*.yaml', 'servers/a.yaml', true],
    ['*.yaml', 'prompts/a.md', false],
    ['servers', 'servers/a.yaml', true],
    ['servers/', 'servers/a.yaml', true],
    ['servers/', 'servers', false],
    ['servers/', 'projects/demo/servers/a.yaml', true],
    ['/servers/', 'projects/demo/servers/a.yaml', false],
    ['/servers', 'servers/deep/a.yaml', true],
    ['servers/*', 'servers/a.yaml', true],
    ['servers/*', 'servers/deep/a.yaml', false],
    ['servers/**', 'servers/deep/a.yaml', true],
    ['skills/**/run.sh', 'skills/run.sh', true],
    ['skills/**/run.sh', 'skills/data/review/run.sh', true],
    ['skills/**/run.sh', 'skills/data/review/stop.sh', false],
    ['skills/*/SKILL.md', 'skills/review/SKILL.md', true],
    ['skills/*/SKILL.md', 'skills/data/review/SKILL.md', false],
    ['**/SKILL.md', 'SKILL.md', true],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['server', 'servers/a.yaml', false],
    ['/', 'servers/a.yaml', false],
    ['a*b*c', 'aXbYbZc', true],
    ['a*b*c', 'aXbYbZ', false],
    ['a.b', 'aXb', false],
  ])('%s ~ %s: %s', (pattern, path, expected) => {
    expect(matchesPath(pattern, path)).toBe(expected);
  });

  it('ends, however many stars it has', () => {
    expect(matchesPath(`${'*a'.repeat(200)}b`, 'a'.repeat(1_000))).toBe(false);
    expect(matchesPath('**/a/'.repeat(80), `${'a/'.repeat(400)}b`)).toBe(true);
  });
});
