import { openDockerRuntime } from './docker/index.ts';
import { openKubernetesRuntime } from './kubernetes/index.ts';
import { createMachine, openMemoryRuntime, pretend } from './memory/index.ts';
import { openProcessRuntime, type ProcessRuntimeOptions } from './process/index.ts';
import { createRoutingRuntime } from './routing.ts';
import type { Runtime } from './runtime.ts';

/** What `mcpctl up --runtime` may name. */
export type RuntimeName = 'process' | 'docker' | 'kubernetes' | 'memory';

interface RuntimesOptions extends ProcessRuntimeOptions {
  /** Where servers run that name none. */
  standard: RuntimeName;
  /** The repository, for those who meet in a cluster. */
  follows?: string;
  /** Only speak with what another process has started, which is possible in a cluster alone. */
  readOnly?: boolean;
}

/** Every runtime of this machine as one. */
export function openRuntimes(options: RuntimesOptions): Runtime {
  if (options.readOnly === true) {
    return createRoutingRuntime(new Map([['kubernetes', openKubernetesRuntime(options)]]), options.standard);
  }
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
