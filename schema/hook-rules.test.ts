import { describe, expect, it } from 'vitest';
import { parseFile } from './parse.ts';

function problemsOf(hooks: string): string[] {
  const text = `apiVersion: mcpctl.dev/v1\nkind: Skill\nspec:\n  hooks:\n${hooks}`;
  const { part } = parseFile({ path: 'skills/a/skill.yaml', oid: '0', mode: '100644' }, Buffer.from(text));
  return (part?.extras?.problems ?? []).map(({ at, message, hint }) => `${at?.line}:${at?.column} ${message} ${hint}`);
}

describe('hooks in skill.yaml', () => {
  it.each([
    ['command, without a type', '    PostToolUse: [{ matcher: Edit, command: ./lint, timeout: 30 }]\n'],
    ['command with arguments', '    Stop: [{ type: command, command: node, args: [x.js], async: true }]\n'],
    ['prompt', '    Stop: [{ type: prompt, prompt: Is it done?, model: haiku }]\n'],
    ['agent', '    PreSkillShellCommand: [{ type: agent, prompt: Is it safe?, timeout: 90 }]\n'],
    ['http', '    SessionStart: [{ type: http, url: "https://hooks.example.com/x", headers: { A: b } }]\n'],
    ['mcp_tool', '    PreModelSwitch: [{ type: mcp_tool, server: memory, tool: note, input: { a: [1] } }]\n'],
  ])('%s: fine', (_situation, hooks) => {
    expect(problemsOf(hooks)).toEqual([]);
  });

  it.each([
    ['an event of another name', '    PostToolUsed: [{ command: a }]\n', '5:19', 'Did you mean `PostToolUse`?'],
    ['no command', '    Stop: [{ matcher: x }]\n', '5:12', 'needs `command`'],
    [
      'a field of another type',
      '    Stop: [{ command: a, url: "https://x.example" }]\n',
      '5:31',
      'is for hooks of the type `http`',
    ],
    [
      'milliseconds',
      '    Stop: [{ command: a, timeout: 5000 }]\n',
      '5:35',
      'looks like milliseconds Write `timeout: 5`',
    ],
    ['a round thousand', '    Stop: [{ command: a, timeout: 2000 }]\n', '5:35', 'looks like milliseconds'],
    [
      'an address of another sort',
      '    Stop: [{ type: http, url: "file:///etc/passwd" }]\n',
      '5:31',
      '`url` has to be',
    ],
    [
      'a password in the address',
      '    Stop: [{ type: http, url: "https://a:b@x.example" }]\n',
      '5:31',
      '`url` has to be',
    ],
    ['no tool', '    Stop: [{ type: mcp_tool, server: a }]\n', '5:12', 'needs `tool`'],
  ])('%s: refused, with its place', (_situation, hooks, place, words) => {
    expect(
      problemsOf(hooks).filter(one => one.startsWith(place) && one.includes(words)),
      problemsOf(hooks).join(' | '),
    ).toHaveLength(1);
  });
});
