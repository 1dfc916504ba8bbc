import { openDockerRuntime } from './docker/index.ts';
import { openKubernetesRuntime } from './kubernetes/index.ts';
import { createMachine, openMemoryRuntime, pretend } from './memory/index.ts';
import { openProcessRuntime, type ProcessRuntimeOptions } from './process/index.ts';
import { createRoutingRuntime } from './routing.ts';
import type { Runtime } from './runtime.ts';

/** What `mcpctl up --runtime` may name. */
export type RuntimeName = 'process' | 'docker' | 'kubernetes' | 'memory';

/**
 * Every runtime of this machine as one.
 * @param options.standard where servers run that name none
 */
export function openRuntimes(options: ProcessRuntimeOptions & { standard: RuntimeName }): Runtime {
  const runtimes = new Map<string, Runtime>([
    ['process', openProcessRuntime(options)],
    ['docker', openDockerRuntime(options)],
    ['kubernetes', openKubernetesRuntime(options)],
  ]);
  if (options.standard === 'memory') {
    const programs = () => pretend;
    runtimes.set('memory', openMemoryRuntime({ machine: createMachine(), owner: options.stateDir, programs }));
  }
  return createRoutingRuntime(runtimes, options.standard);
}
