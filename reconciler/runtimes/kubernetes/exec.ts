import { setTimeout as sleep } from 'node:timers/promises';
import { type Problem, problem } from '../../../schema/index.ts';
import type { ExecResult } from '../runtime.ts';
import type { KubeApi } from './api.ts';
import { execPath, openStreams } from './streams.ts';

const MAX_BYTES = 1024 * 1024;

/** A pod of ours. */
export interface PodPlace {
  api: KubeApi;
  namespace: string;
  pod: string;
}

/** Run a program in a pod to its end. One that takes too long is no longer listened to. */
export async function execIn(
  { api, namespace, pod }: PodPlace,
  argv: readonly string[],
  options: { id: string; timeoutMs: number; input?: Uint8Array },
): Promise<ExecResult | { problem: Problem }> {
  const stderr = collector();
  const stdout = collector();
  const streams = await openStreams(api, execPath(namespace, pod, argv, options.input !== undefined), stderr.add);
  streams.stdout.on('data', stdout.add);
  if (options.input) streams.stdin.write(options.input);
  const late = sleep(options.timeoutMs, 'late' as const, { ref: false });
  const end = await Promise.race([streams.ended, late]);
  streams.close();
  const failed = (why: string) => ({ problem: problem('RUNTIME_EXEC_FAILED', `${argv[0]} in ${options.id}: ${why}`) });
  if (end === 'late') return failed(`took more than ${options.timeoutMs} ms`);
  if (end === undefined) return failed('the connection was lost');
  if ('refused' in end) return failed(end.refused);
  if (end.code === 126 || (end.code === 127 && stdout.text() === '')) {
    return failed(stderr.text().trim() || 'it cannot be run');
  }
  return { code: end.code, stdout: stdout.text(), stderr: stderr.text() };
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
