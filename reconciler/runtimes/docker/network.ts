import type Docker from 'dockerode';
import { dockerProblem, dockerStatus } from './client.ts';
import { labels } from './owner.ts';

/** The networks of an owner: one with a way out of the machine, one without. */
export interface Networks {
  /**
   * Make the network when it is not there.
   * @param internal without a way out of the machine
   * @returns its name
   */
  ensure(internal: boolean): Promise<string>;
}

/** Networks on which containers do not reach one another. */
export function createNetworks(docker: Docker, owner: string): Networks {
  /** Docker makes two of one name for two that ask at once. */
  const underway = new Map<string, Promise<string>>();
  return {
    ensure(internal) {
      const name = `mcpctl-${owner.slice(0, 12)}${internal ? '-local' : ''}`;
      const present = underway.get(name) ?? ensureNetwork(docker, owner, name, internal);
      underway.set(name, present);
      return present.finally(() => underway.delete(name));
    },
  };
}

async function ensureNetwork(docker: Docker, owner: string, name: string, internal: boolean): Promise<string> {
  try {
    await docker.getNetwork(name).inspect();
    return name;
  } catch (error) {
    if (dockerStatus(error) !== 404) throw dockerProblem(error, `the network ${name}`);
  }
  try {
    await docker.createNetwork({
      Name: name,
      Driver: 'bridge',
      Internal: internal,
      CheckDuplicate: true,
      Options: { 'com.docker.network.bridge.enable_icc': 'false' },
      Labels: { [labels.owner]: owner },
    });
  } catch (error) {
    // Made by somebody else in the meantime.
    if (dockerStatus(error) !== 409) throw dockerProblem(error, `the network ${name}`);
  }
  return name;
}
