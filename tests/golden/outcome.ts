import type { Outcome } from '../command-line.ts';

/** What of an outcome is another one every time, by what it becomes. */
export interface Varying {
  /** Folder → its name in the text. */
  folders: Readonly<Record<string, string>>;
}

const patterns: readonly [RegExp, string][] = [
  [/\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/g, '<time>'],
  [/127\.0\.0\.1:\d+/g, '127.0.0.1:<port>'],
  [/"(pid|startMs|bytes)": [\d.]+/g, '"$1": <number>'],
  [/\b\d+(?:\.\d+)? (ms|s|KiB|MiB|KB|MB|B)\b/g, '<number> $1'],
  [/\bthe user [\w.-]+/g, 'the user <user>'],
  [/\(pid \d+\)|\bpid \d+/g, 'pid <number>'],
];

/** An outcome as its golden file has it. */
export function shownOutcome(argv: readonly string[], { code, stdout, stderr }: Outcome, varying: Varying): string {
  const command = scrub(['mcpctl', ...argv].map(quotedWord).join(' '), varying);
  return [
    `$ ${command}`,
    `exit ${code}`,
    ...section('stdout', scrub(stdout, varying)),
    ...section('stderr', scrub(stderr, varying)),
    '',
  ].join('\n');
}

function section(name: string, text: string): string[] {
  return text === '' ? [] : [`--- ${name}`, text.replace(/\n$/, '')];
}

function quotedWord(word: string): string {
  return /^[\w./:=@,<>-]+$/.test(word) ? word : `'${word}'`;
}

/** Where something varied, so does the width of the columns around it. */
function scrub(text: string, { folders }: Varying): string {
  let result = text;
  for (const [folder, name] of Object.entries(folders)) result = result.replaceAll(folder, name);
  for (const [pattern, name] of patterns) result = result.replace(pattern, name);
  return result === text ? text : result.replace(/(?<=\S) {2,}(?=\S)/g, '  ');
}
