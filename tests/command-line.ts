import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createProgram } from '../cli/program.ts';

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Run the command line in this process, as a script would: no terminal, no colours. @param argv without `mcpctl` */
export async function mcpctl(
  argv: readonly string[],
  options: { cwd?: string; env?: Record<string, string | undefined>; signal?: AbortSignal; stdin?: string } = {},
): Promise<Outcome> {
  const { cwd = '/', env = process.env, signal = new AbortController().signal, stdin = '' } = options;
  const outcome: Outcome = { code: -1, stdout: '', stderr: '' };
  const io = {
    stdout: (text: string) => {
      outcome.stdout += text;
    },
    stderr: (text: string) => {
      outcome.stderr += text;
    },
    isTTY: false,
    colour: false,
  };
  const self = [process.execPath, join(import.meta.dirname, '..', 'cli', 'mcpctl.mjs')] as const;
  outcome.code = await createProgram({ io, env, cwd, self, signal, stdin: () => Readable.from([stdin]) })(argv);
  return outcome;
}
