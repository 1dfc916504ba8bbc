import fc from 'fast-check';
import { parse } from 'jsonc-parser';
import { describe, expect, it } from 'vitest';
import { insert } from './insertion.ts';
import { applyHooks, type HookEntry, nothingApplied } from './settings.ts';

const entry = (source: string, event = 'PostToolUse'): HookEntry => ({
  source,
  event,
  value: {
    matcher: 'Edit',
    hooks: [{ type: 'command', command: source }],
    _mcpctl_managed: true,
    _mcpctl_source: source,
  },
});
const one = [entry('skill/a')];

function applied(text: string, entries: readonly HookEntry[] = one, before = nothingApplied) {
  const result = applyHooks(text, before, entries);
  if (!result) throw new Error(`not understood: ${text}`);
  return result;
}

const comments = `// mine
{
\t"model": "opus", // the big one
\t"hooks": {
\t\t/* before */
\t\t"PostToolUse": [
\t\t\t{ "matcher": "Write", "hooks": [] }, // mine too
\t\t],
\t}
}
`;

describe('entries of skills in a settings file', () => {
  it.each<[situation: string, text: string]>([
    ['an empty object', '{}'],
    ['an empty object over two lines', '{\n}\n'],
    ['other settings', '{\n  "model": "opus"\n}\n'],
    ['on one line', '{"model":"opus","hooks":{"Stop":[{"hooks":[]}]}}'],
    ['hooks of others', '{\n    "hooks": {\n        "PostToolUse": [\n            {"hooks": []}\n        ]\n    }\n}'],
    ['comments, tabs, trailing commas', comments],
    ['Windows’ line ends', comments.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\ufeff${comments}`],
    ['a comment only', '{ /* nothing yet */ }'],
    ['a line comment only', '{ // nothing yet\n}'],
    ['an empty list with blanks', '{"hooks": { "PostToolUse" : [   ] } }'],
    ['a trailing comma on one line', '{"hooks": {"PostToolUse": [{"hooks":[]},]},}'],
    [
      'a comment behind the last item',
      '{\n  "hooks": {\n    "PostToolUse": [\n      {} // last\n      // really\n    ]\n  }\n}',
    ],
  ])('%s: put in, put in again, taken out', (_situation, text) => {
    const first = applied(text);
    expect(parse(first.text.replace('\ufeff', '')).hooks.PostToolUse.at(-1)).toEqual(one[0]?.value);
    expect(applied(first.text, one, first.applied).text).toBe(first.text);
    expect(applied(first.text, [], first.applied).text).toBe(text);
  });

  it('a skill that shrinks its hooks loses only its own', () => {
    const both = applied(comments, [...one, entry('skill/b'), entry('skill/b', 'Stop')]);
    const less = applied(both.text, one, both.applied);
    expect(less.text).toBe(applied(comments).text);
  });

  it('what others added around them stays', () => {
    const first = applied('{\n  "hooks": {}\n}\n');
    const others = first.text.replace(
      '"PostToolUse": [',
      '"Stop": [{"hooks": []}],\n    "PostToolUse": [\n      {"hooks": [1]},',
    );
    const gone = applied(others, [], first.applied);
    expect(parse(gone.text)).toEqual({ hooks: { Stop: [{ hooks: [] }], PostToolUse: [{ hooks: [1] }] } });
    expect(gone.text).toContain('"Stop": [{"hooks": []}],\n    "PostToolUse": [\n      {"hooks": [1]}');
  });

  it.each([
    ['no JSON', '{"hooks": '],
    ['a list', '[]'],
    ['nothing', ''],
    ['hooks that are no object', '{"hooks": []}'],
    ['an event that is no list', '{"hooks": {"Stop": {}}}'],
    ['hooks twice', '{"hooks": {}, "hooks": {}}'],
  ])('%s: left alone', (_situation, text) => {
    expect(applyHooks(text, nothingApplied, one)).toBeUndefined();
  });

  it('of 10,000 random files, foreign regions keep every byte', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(settingsText, entryList, entryList, fc.boolean(), (text, first, second, addMore) => {
        const put = applied(text, first);
        expect(withoutOurs(parse(put.text))).toEqual(withoutOurs(parse(text)));
        expect(applied(put.text, first, put.applied).text).toBe(put.text);
        const again = applied(put.text, second, put.applied);
        expect(again.text).toBe(applied(text, second).text);
        expect(applied(again.text, [], again.applied).text).toBe(text);
        if (!addMore) return;
        // Somebody else writes into the file in between, at its end.
        const foreign = insert(again.text.replace('\ufeff', ''), { path: [], key: 'zzForeign' }, [1])?.text ?? '';
        const rest = parse(applied(foreign, [], again.applied).text);
        expect(rest.zzForeign).toEqual([1]);
        expect(withoutOurs({ ...rest, zzForeign: undefined })).toEqual({
          ...withoutOurs(parse(text)),
          zzForeign: undefined,
        });
      }),
      { numRuns: 10_000, seed: 20_260_801 },
    );
  });
});

const entryList = fc
  .array(
    fc.tuple(fc.constantFrom('skill/a', 'skill/b', 'skill/c'), fc.constantFrom('PostToolUse', 'Stop', 'SessionStart')),
    {
      maxLength: 4,
    },
  )
  .map(list => list.map(([source, event]) => entry(source, event)));

/** A settings file as people and programs write them: layout, comments, commas and line ends vary. */
const settingsText = fc
  .record({
    members: fc.dictionary(
      fc.stringMatching(/^[a-z]{1,6}$/),
      fc.oneof(fc.integer(), fc.string({ maxLength: 8 }), fc.constant({ a: [1, { b: 2 }] })),
      {
        maxKeys: 4,
      },
    ),
    hooks: fc.option(
      fc.dictionary(
        fc.constantFrom('PostToolUse', 'Stop', 'PreToolUse'),
        fc.array(fc.constant({ hooks: [] }), { maxLength: 3 }),
        { maxKeys: 3 },
      ),
    ),
    first: fc.boolean(),
    indent: fc.constantFrom('', ' ', '  ', '    ', '\t'),
    eol: fc.constantFrom('\n', '\r\n'),
    noise: fc.array(fc.constantFrom('', ' ', '/* c */', ' // l\n', '\n', '\t'), { minLength: 1, maxLength: 8 }),
    trailing: fc.boolean(),
    bom: fc.boolean(),
  })
  .map(({ members, hooks, first, indent, eol, noise, trailing, bom }) => {
    const value = hooks === null ? members : first ? { hooks, ...members } : { ...members, hooks };
    let turn = 0;
    const next = () => noise[turn++ % noise.length] ?? '';
    const plain = JSON.stringify(value, undefined, indent);
    let last = '';
    const noisy = plain.replace(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s"[\]{},:]+/g, token => {
      const comma = trailing && /^[}\]]$/.test(token) && !/^[{[]$/.test(last) ? `,${next()}` : '';
      last = token;
      return comma + (/^[[\]{},]$/.test(token) ? token + next() : token);
    });
    return (bom ? '\ufeff' : '') + noisy.replace(/\r?\n/g, eol);
  });

function withoutOurs(value: { hooks?: Record<string, { _mcpctl_managed?: boolean }[]> }) {
  const hooks = Object.entries(value.hooks ?? {}).map(([event, list]) => [
    event,
    list.filter(item => !item._mcpctl_managed),
  ]);
  return { ...value, hooks: Object.fromEntries(hooks.filter(([, list]) => (list?.length ?? 0) > 0)) };
}
