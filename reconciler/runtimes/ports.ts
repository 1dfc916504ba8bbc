import { freePort, isPortTaken, portHolder } from '../../host/index.ts';
import { type Problem, problem } from '../../schema/index.ts';
import type { LaunchSpec } from './runtime.ts';

/** The ports given to instances, so that two that start at once are never given the same. */
export interface Ports {
  /** The port a server shall listen on: the declared one, or any free one. */
  take(spec: LaunchSpec): Promise<number | { problem: Problem }>;
  giveBack(instance: string): void;
}

export function createPorts(): Ports {
  const holders = new Map<number, string>();

  async function anyPort(instance: string): Promise<number> {
    for (;;) {
      const port = await freePort();
      if (holders.has(port)) continue;
      holders.set(port, instance);
      return port;
    }
  }

  function giveBack(instance: string): void {
    for (const [port, holder] of holders) if (holder === instance) holders.delete(port);
  }

  return {
    async take(spec) {
      if (spec.port === 0) return anyPort(spec.id);
      const holder = holders.get(spec.port);
      if (holder !== undefined) return taken(spec, ` by ${holder}`);
      holders.set(spec.port, spec.id);
      if (!(await isPortTaken(spec.port))) return spec.port;
      giveBack(spec.id);
      const pid = portHolder(spec.port);
      return taken(spec, pid === undefined ? '' : ` by process ${pid}`);
    },
    giveBack,
  };
}

function taken(spec: LaunchSpec, by: string): { problem: Problem } {
  const resource = `server/${spec.server}`;
  return { problem: problem('PORT_TAKEN', `port ${spec.port} of ${spec.id} is in use${by}`, { resource }) };
}
