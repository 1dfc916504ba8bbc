import type { Metrics, Tracer } from '../../host/index.ts';

/** Where measurements go. Without a tracer there are no traces. */
export interface Telemetry {
  metrics: Metrics;
  tracer?: Tracer | undefined;
}
