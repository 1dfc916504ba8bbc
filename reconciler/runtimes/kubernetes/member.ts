import type { Clock } from '../../../host/index.ts';
import type { KubeApi } from './api.ts';

/** One process of an installation, of which there may be several. */
export interface Member {
  api: KubeApi;
  clock: Clock;
  /** The one for all; where the processes find each other. */
  namespace: string;
  owner: string;
  /** Of this process alone. */
  run: string;
  /** How long the others wait for one that is silent. */
  leaseMs: number;
}
