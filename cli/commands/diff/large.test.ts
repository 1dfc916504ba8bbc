import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mcpctl } from '../../../tests/command-line.ts';
import { type PlannedHistory, plannedHistory } from '../../../tests/planned-history.ts';

const MIB = 1024 * 1024;
const line = `${'x'.repeat(511)}\n`;
/** Just small enough to be compared line by line. */
const part = line.repeat(MIB / line.length - 1);

let planned: PlannedHistory;
beforeAll(() => {
  const parts = Array.from({ length: 50 }, (_, index) => [`skills/review/data/${index}.txt`, part] as const);
  planned = plannedHistory(
    [
      {
        name: 'first',
        files: {
          'mcpctl.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n',
          'skills/review/SKILL.md': '---\nname: review\ndescription: Reviews\n---\nReview.\n',
        },
      },
      { name: 'one', files: { 'skills/review/data.txt': line.repeat((50 * MIB) / line.length) } },
      { name: 'many', files: Object.fromEntries(parts) },
    ],
    { bare: true },
  );
});
afterAll(() => planned.remove());

function diff(from: string, to: string) {
  return mcpctl(['diff', '--from', planned.oid(from), '--to', planned.oid(to)], { cwd: planned.folder });
}

describe('a difference of 50 MiB', () => {
  it('in one file is told by its size, with the limit', async () => {
    const { code, stdout, stderr } = await diff('first', 'one');
    expect([code, stdout]).toEqual([
      0,
      `/dev/null and b/skills/review/data.txt differ: 0 → ${50 * MIB} bytes, too large to show\n`,
    ]);
    expect(stderr).toContain('`skills/review/data.txt`: only sizes are told');
    expect(stderr).toContain(`${MIB} bytes a file, ${32 * MIB} together [DIFF_TOO_LARGE]`);
  });

  it('in many files is shown as far as the limit goes; of the rest, sizes are told', async () => {
    const { code, stdout, stderr } = await diff('one', 'many');
    expect(code).toBe(0);
    expect(stdout.length).toBeLessThan(34 * MIB);
    const shown = stdout.match(/^\+\+\+ b\/skills/gm) ?? [];
    const told = stdout.match(/ bytes, too large to show$/gm) ?? [];
    expect([shown.length, told.length]).toEqual([32, 18]);
    expect(stderr).toMatch(/`skills\/review\/data\/\d+\.txt` and 17 more: only sizes are told/);
  });
});
