import { spawn } from 'node:child_process';

export interface Continued {
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** The file of the hook’s program. */
  program: string;
}

/** A process of its own, which nobody waits for and which outlives this one. */
export function continueInBackground({ env, cwd, program }: Continued): void {
  const child = spawn(process.execPath, [program, '--background'], { cwd, env, detached: true, stdio: 'ignore' });
  child.on('error', () => undefined);
  child.unref();
}
