import { describe, expect, it } from 'vitest';
import { asProblem } from '../schema/index.ts';
import { resolveTarget } from './kinds.ts';

describe('resolveTarget', () => {
  it.each<[string, string, string | undefined, { project?: string; agent?: string }, string | undefined]>([
    ['a kind and a name', 'server', 'memory', {}, 'server/memory'],
    ['a short name of a kind', 'prop', 'greet', {}, 'prompt/greet'],
    ['kind and name in one word', 'Servers/memory', undefined, {}, 'server/memory'],
    ['a project’s own', 'prompt', 'greet', { project: 'demo' }, 'project/demo/prompt/greet'],
    ['a kind without a name', 'servers', undefined, {}, undefined],
    ['the one kind whose name is known', 'repo', undefined, {}, 'repository/repository'],
  ])('%s', (_situation, kind, name, scope, id) => {
    expect(resolveTarget(kind, name, scope).id).toBe(id);
  });

  it.each<[string, string, string | undefined, { project?: string; agent?: string }, string]>([
    ['no such kind', 'sever', 'x', {}, 'Did you mean `server`?'],
    ['nothing like it', 'bicycle', 'x', {}, 'Kinds: repository, server'],
    ['a name given twice', 'server/x', 'y', {}, 'Write KIND NAME.'],
    ['a name that is a path', 'server', '../x', {}, 'Names are lower-case'],
    ['a name that is too long', 'server', 'x'.repeat(25), {}, 'at most 24'],
    ['a project that is a path', 'prompt', 'x', { project: '../..' }, 'Names are lower-case'],
    ['a scope the kind has not', 'server', 'x', { project: 'demo' }, 'Leave -p out.'],
    ['two scopes', 'prompt', 'x', { project: 'demo', agent: 'bot' }, 'Give one of them.'],
  ])('refuses %s', (_situation, kind, name, scope, hint) => {
    const problem = problemOf(() => resolveTarget(kind, name, scope));
    expect(problem).toMatchObject({ code: 'USAGE', hint: expect.stringContaining(hint) });
  });
});

function problemOf(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return asProblem(error);
  }
}
