import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { type Problem, problem } from '../../../schema/index.ts';
import type { ExecResult } from '../runtime.ts';
import { splitFrames } from './frames.ts';

const MAX_BYTES = 1024 * 1024;

/**
 * Run a program in a container to its end. One that takes too long is no longer listened to.
 * @param env besides the container's own
 */
export async function execIn(
  container: Docker.Container,
  id: string,
  argv: readonly string[],
  timeoutMs: number,
  env: readonly string[] = [],
): Promise<ExecResult | { problem: Problem }> {
  const exec = await container.exec({ Cmd: [...argv], Env: [...env], AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({ hijack: true });
  const stderr = collector();
  const stdout = collector();
  const out = splitFrames(stream, stderr.add).on('data', stdout.add);
  const ended = new Promise<true>(resolve => out.once('end', () => resolve(true)));
  const inTime = await Promise.race([ended, sleep(timeoutMs, false, { ref: false })]);
  stream.destroy();
  const failed = (why: string) => ({ problem: problem('RUNTIME_EXEC_FAILED', `${argv[0]} in ${id}: ${why}`) });
  if (!inTime) return failed(`took more than ${timeoutMs} ms`);
  const { ExitCode, Pid } = await exec.inspect();
  if (Pid === 0 && ExitCode !== 0) return failed(stdout.text().trim());
  return { code: ExitCode ?? -1, stdout: stdout.text(), stderr: stderr.text() };
}

function collector(): { add(chunk: Buffer): void; text(): string } {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    add(chunk) {
      if (size < MAX_BYTES) chunks.push(chunk.subarray(0, MAX_BYTES - size));
      size += chunk.length;
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}
