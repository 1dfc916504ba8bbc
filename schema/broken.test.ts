import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { assemble } from './assemble.ts';
import { link } from './catalog.ts';
import { parseFile } from './parse.ts';
import { formatPosition, type Problem, problemCodes, sortProblems } from './problem.ts';

const folder = fileURLToPath(new URL('../tests/fixtures/broken/', import.meta.url));

/** A file's content: text, or bytes in base64, or one piece of text many times over; with a mode where it matters. */
const Content = z.union([
  z.string(),
  z.strictObject({
    text: z.string().default(''),
    base64: z.string().optional(),
    times: z.int().default(1),
    mode: z.string().default('100644'),
  }),
]);

/** A broken repository: its files besides a sound `mcpctl.yaml`, and everything that is wrong with it. */
const Broken = z.strictObject({
  about: z.string(),
  environment: z.string().optional(),
  files: z.record(z.string(), Content),
  problems: z.array(z.string()).min(1),
});

const repository = 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec: { id: broken }\n';
const fixtures = readdirSync(folder)
  .sort()
  .map(name => [name, Broken.parse(parse(readFileSync(join(folder, name), 'utf8')))] as const);

function problemsOf({ files, environment }: z.infer<typeof Broken>): Problem[] {
  const parsed = Object.entries({ 'mcpctl.yaml': repository, ...files }).flatMap(([path, given]) => {
    const plain = { text: String(given), base64: undefined, times: 1, mode: '100644' };
    const { text, base64, times, mode } = typeof given === 'string' ? plain : given;
    // Mode 0 takes the file away.
    if (mode === '0') return [];
    const bytes = base64 === undefined ? Buffer.from(text.repeat(times)) : Buffer.from(base64, 'base64');
    return [parseFile({ path, oid: `${'0'.repeat(40)}`, mode }, bytes)];
  });
  const whole = assemble(parsed, environment);
  const broken = whole.flatMap(({ id, resource }) => (id !== undefined && !resource ? [id] : []));
  const linked = link(
    whole.flatMap(({ resource }) => resource ?? []),
    broken,
  );
  return sortProblems([...whole.flatMap(({ problems }) => problems), ...linked.problems]);
}

/** `file:line:column code message` */
function shown({ at, code, message }: Problem): string {
  return `${formatPosition(at)} ${code} ${message}`;
}

describe('broken repositories', () => {
  it('are at least eighty', () => {
    expect(fixtures.length).toBeGreaterThanOrEqual(80);
  });

  it.each(fixtures)('%s', (_name, fixture) => {
    const found = problemsOf(fixture);
    expect(found.map(shown)).toEqual(fixture.problems);
    expect(found.every(({ hint }) => hint.length > 0)).toBe(true);
  });

  it('show every problem that reading and linking can find', () => {
    const seen = new Set(fixtures.flatMap(([, { problems }]) => problems.map(text => text.split(' ')[1])));
    const offline = Object.keys(problemCodes()).slice(0, Object.keys(problemCodes()).indexOf('REMOTE_UNSUPPORTED'));
    // What a commit removes (PRUNE_*), what takes too long, what a status leaves out, an unfinished merge, another repository than before, and values given
    // on the command line are no file's fault; what takes a thousand files is shown in selection.test.ts.
    const elsewhere = [
      'FILE_TOO_COSTLY',
      'FILE_UNMERGED',
      'PROBLEMS_OMITTED',
      'REPOSITORY_OTHER',
      'SELECTOR_LIMIT',
      'TEMPLATE_VALUE_INVALID',
    ];
    const isShown = (code: string) => seen.has(code) || elsewhere.includes(code) || code.startsWith('PRUNE_');
    expect(offline.filter(code => !isShown(code))).toEqual([]);
  });
});
