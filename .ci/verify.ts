// The whole gate: format and lint, types, unused code, generated files, tests. Prints what it does, stops at the first
// failure, and ends with one line taken from the test report.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'mcpctl-verify-'));
const report = join(folder, 'report.json');

const gates: [string, string[]][] = [
  ['format and lint', ['biome', 'ci', '--error-on-warnings', ...(process.stdout.isTTY ? [] : ['--colors=off']), '.']],
  ['types', ['tsc', '-p', '.']],
  ['unused code', ['knip', '--no-progress']],
  ['generated files', ['node', 'schema/generate.ts', '--check']],
  ['generated reference', ['node', 'cli/generate.ts', '--check']],
  ['tests', ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]],
];

function run(argv: string[]): boolean {
  const [program = '', ...args] = argv;
  return spawnSync(join(root, 'node_modules', '.bin', program), args, { cwd: root, stdio: 'inherit' }).status === 0;
}

function summary(): { passed: number; failed: number; skipped: number } {
  const json = JSON.parse(readFileSync(report, 'utf8'));
  return {
    passed: json.numPassedTests,
    failed: json.numFailedTests,
    skipped: json.numPendingTests + json.numTodoTests,
  };
}

let failed: string | undefined;
for (const [name, argv] of gates) {
  console.log(`\n► ${name}: ${argv.join(' ')}`);
  if (!run(argv)) {
    failed = name;
    break;
  }
}
if (failed !== undefined) console.error(`\n✗ ${failed} failed`);
try {
  const { passed, failed: failures, skipped } = summary();
  console.log(`\n${passed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
} catch {
  console.log('\n0 passed, 1 failed');
}
rmSync(folder, { recursive: true, force: true });
process.exitCode = failed === undefined ? 0 : 1;
